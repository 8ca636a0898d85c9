--- The metrics that `compile { metrics = { ... } }` knows: Keras' classes, by their names or as objects.
-- Each has state that the batches of an epoch are added to (lubdub.fit_metrics.class). They are found in
-- `lubdub.metrics` beside scikit-learn's functions: `lubdub.metrics.AUC { curve = "PR" }`.
-- To add one, add a class to one of the files listed here.
-- @module lubdub.fit_metrics
local blame = require "lubdub.blame"

local fit_metrics = { classes = {} }

for _, file in ipairs { "accuracy", "rates", "auc", "means" } do
  for kind, new in pairs(require("lubdub.fit_metrics." .. file)) do fit_metrics.classes[kind] = new end
end

-- Every name that stands for a class with its default options.
local named = { acc = "Accuracy", mse = "MeanSquaredError", MSE = "MeanSquaredError", mae = "MeanAbsoluteError",
  MAE = "MeanAbsoluteError", bce = "BinaryCrossentropy", BCE = "BinaryCrossentropy" }
for kind, new in pairs(fit_metrics.classes) do
  named[kind] = kind
  named[new().name] = kind
end

local function known()
  local list = {}
  for name in pairs(named) do list[#list + 1] = name:find "^%l" and name or nil end
  table.sort(list)
  return table.concat(list, ", ")
end

local function is_metric(value)
  local meta = type(value) == "table" and getmetatable(value)
  return type(meta) == "table" and meta.__name == "lubdub.Metric"
end

-- A function (y, outputs) -> the mean over the rows of a batch, with the methods of a metric.
local function of_function(name, mean)
  local metric = { name = name, sum = 0, rows = 0 }
  function metric.reset_state(self) self.sum, self.rows = 0, 0 end
  function metric.update_state(self, y, outputs)
    local n = outputs:shape(1)
    self.sum, self.rows = self.sum + n * mean(y, outputs), self.rows + n
  end
  function metric.result(self) return self.rows > 0 and self.sum / self.rows or 0.0 end
  function metric.fresh() return of_function(name, mean) end
  return metric
end

local function read_one(where, given)
  if is_metric(given) then
    if (given.kind == "F1Score" or given.kind == "FBetaScore") and not given.options.average then
      blame("%s: %s without an average gives one number per class, and logs hold single numbers; "
        .. "say average = \"macro\"", where, given.kind)
    end
    return given, given.name
  end
  if type(given) == "string" and named[given] then
    local kind = named[given]
    if kind == "F1Score" or kind == "FBetaScore" then
      blame("%s: %s gives one number per class, and logs hold single numbers; say metrics.%s { average = \"macro\" }",
        where, given, kind)
    end
    return fit_metrics.classes[kind](), given
  end
  if type(given) == "function" then
    blame("%s: a metric that is a function needs a name: name = function(y, outputs)", where)
  end
  blame("%s: metric %s is not known; there are %s, and name = function(y, outputs)", where, tostring(given), known())
end

--- What compile was given as metrics, read and named as in Keras: a name that is there already gets _1, _2, ...
-- @tparam string where the asking function's name
-- @param metrics a list of names and metrics, and name = function(y, outputs)
-- @param weighted the same; these see the sample weights
-- @treturn table a list of { name =, metric =, weighted =, given = }
function fit_metrics.read(where, metrics, weighted)
  local list, taken = {}, {}
  local function add(name, metric, given, is_weighted)
    if is_weighted and taken[name] then name = "weighted_" .. name end
    local base, count = name, taken[name]
    taken[base] = (count or 0) + 1
    if count then name = ("%s_%d"):format(base, count) end
    list[#list + 1] = { name = name, metric = metric, given = given, weighted = is_weighted }
  end
  for _, group in ipairs { { metrics, "metrics", false }, { weighted, "weighted_metrics", true } } do
    local given, option, is_weighted = table.unpack(group)
    if given and (type(given) ~= "table" or is_metric(given)) then
      blame("%s: %s must be a list such as { \"accuracy\" }, got %s", where, option,
        is_metric(given) and "a metric" or type(given))
    end
    for _, one in ipairs(given or {}) do
      local metric, name = read_one(where, one)
      add(name, metric, one, is_weighted)
    end
    local own = {}
    for name, mean in pairs(given or {}) do
      if type(name) == "string" then
        if type(mean) ~= "function" then
          blame("%s: metric '%s' must be a function of (y, outputs), got %s", where, name, type(mean))
        end
        own[#own + 1] = name
      end
    end
    table.sort(own)
    for _, name in ipairs(own) do add(name, of_function(name, given[name]), given[name], is_weighted) end
  end
  return list
end

--- Which way is better of a name in the logs of a model: "up", "down", or nil where it is not known.
-- @tparam ?table list from fit_metrics.read
-- @tparam string name
function fit_metrics.direction(list, name)
  for _, entry in ipairs(list or {}) do
    if entry.name == name then return entry.metric.direction end
  end
end

return fit_metrics
