--- What is cross-validated: rows of features, their labels, and what must stay together.
-- @module lubdub.validation.data
local Tensor = require("lubdub.core").Tensor
local blame = require "lubdub.blame"
local check = require "lubdub.check"
local labels_of = require "lubdub.labels"
local leaks = require "lubdub.split.leaks"
local object = require "lubdub.dataset.object"
local order = require "lubdub.order"
local sides = require "lubdub.dataset.sides"
local values = require "lubdub.dataset.values"

local data = {}

-- Options of extract that are no preprocessing steps.
local of_extract = { skip = true, progress = true, strict = true, cache = true, verify = true }

-- Features of a data set: a Tensor as it is, a function's result, or what a plan or steps extract.
local function extract(where, o)
  local clips, features = o.data, o.features
  if Tensor.is(features) then return features, clips end
  if type(features) == "function" then
    local x, kept = features(clips)
    return x, kept or clips
  end
  if features == nil or features == false then
    blame("%s: say what the model sees: features = lubdub.MFCC { ... } (with extract = { duration = 4 }), the steps of "
      .. "lubdub.preprocessing, a Tensor, or a function of the data set", where)
  end
  local steps, how, what = features, {}, {}
  for name, value in pairs(o.extract or {}) do
    local to = of_extract[name] and how or what
    to[name] = value
  end
  if type(features) == "userdata" then
    what.duration = require("lubdub.dataset.duration").of(where, clips, what.duration or nil)
    steps = require("lubdub.preprocessing").steps(features, what)
  elseif next(what) ~= nil then
    blame("%s: features are steps already; extract takes skip, progress, strict, cache and verify only", where)
  end
  local x, kept = clips:extract(steps, how)
  return x, kept or clips, steps
end

-- Labels as a list, and the targets where they were given as a tensor.
local function labels_from(where, y, classes)
  if type(y) == "table" then return y end
  if not Tensor.is(y) then blame("%s: y must be a list of labels or a tensor, got %s", where, type(y)) end
  local shape, list = y:shape(), {}
  if #shape == 2 and shape[2] > 1 then
    for i, class in ipairs(y:argmax(2):totable()) do list[i] = math.tointeger(class) end
  elseif #shape == 1 or #shape == 2 then
    for i, value in ipairs(y:reshape({ shape[1] }):totable()) do
      list[i] = math.tointeger(value)
      if not list[i] then blame("%s: y has %g in row %d; labels must be classes", where, value, i) end
    end
  else
    blame("%s: y must be (n, classes), (n, 1) or (n,), got %s", where, check.shape_text(shape))
  end
  if classes then
    local first = #shape == 2 and shape[2] == 1 and 0 or 1 -- a single column counts 0 and 1
    for i, class in ipairs(list) do
      list[i] = classes[class - first + 1]
      if list[i] == nil then blame("%s: y has class %d in row %d, labels names %d", where, class, i, #classes) end
    end
  end
  return list
end

--- Reads the options data, features, extract, x, y, labels, label, groups.
-- @tparam string where the asking function
-- @tparam table o its options
-- @treturn table n, x, labels (a list), encoder; or nil: groups (a list), group_name, clips (a data set), steps
function data.read(where, o)
  local problem = {}
  if o.data then
    if not object.is(o.data) then blame("%s: data must be a data set, got %s", where, type(o.data)) end
    if #o.data == 0 then blame("%s: the data set is empty", where) end
    if o.y ~= nil then blame("%s: y comes from the data set's column %q; leave it out", where, o.label) end
    if o.x ~= nil then
      problem.x, problem.clips = o.x, o.data
    else
      problem.x, problem.clips, problem.steps = extract(where, o)
    end
    problem.labels = values.complete(problem.clips, where .. ": label", o.label)
  else
    if o.x == nil or o.y == nil then
      blame("%s: give data = a data set and features = a plan, or x = a tensor and y = labels", where)
    end
    problem.x, problem.labels = o.x, labels_from(where, o.y, o.labels)
  end
  problem.n = check.tensor(where, "x", problem.x)[1]
  check.finite(where, "x", problem.x)
  order.check(where, "labels", problem.labels)
  if #problem.labels ~= problem.n then
    blame("%s: x has %d rows, and there are %d labels", where, problem.n, #problem.labels)
  end
  problem.encoder = labels_of.LabelEncoder(o.labels or problem.labels, { sort = not o.labels })
  problem.encoder:encode(problem.labels) -- raises where o.labels leaves one out
  if #problem.encoder.classes < 2 then
    blame("%s: there is one class only, %s", where, tostring(problem.encoder.classes[1]))
  end
  if o.groups == nil and problem.clips then
    local name = sides.group_columns(problem.clips)[1]
    local list, _, hole = values.all(problem.clips, name or "")
    if name and not hole then problem.groups, problem.group_name = list, name end
  elseif o.groups then
    problem.group_name = type(o.groups) == "string" and o.groups or "groups"
    if type(o.groups) == "string" and not problem.clips then
      blame("%s: groups = %q names a column, but there is no data set", where, o.groups)
    end
    problem.groups = type(o.groups) == "string" and values.complete(problem.clips, where .. ": groups", o.groups)
      or o.groups
    order.check(where, "groups", problem.groups, problem.n)
  end
  return problem
end

--- Some rows of it, as data of their own: what an inner validation may see.
function data.take(problem, rows)
  local function some(list)
    if not list then return nil end
    local result = {}
    for i, row in ipairs(rows) do result[i] = list[row] end
    return result
  end
  return { n = #rows, x = problem.x:take(rows), labels = some(problem.labels), groups = some(problem.groups),
    group_name = problem.group_name, encoder = problem.encoder, steps = problem.steps,
    clips = problem.clips and problem.clips:take(rows) }
end

local function check_pairs(where, n, list)
  for k, pair in ipairs(list) do
    local train, test = pair[1] or pair.train, pair[2] or pair.test
    if type(pair) ~= "table" or type(train) ~= "table" or type(test) ~= "table" or #train == 0 or #test == 0 then
      blame("%s: fold %d must be { train, test }, two lists of rows", where, k)
    end
    local inside = {}
    for _, side in ipairs { train, test } do
      for _, i in ipairs(side) do
        if math.type(i) ~= "integer" or i < 1 or i > n then
          blame("%s: fold %d has row %s, there are %d", where, k, tostring(i), n)
        end
        if side == test and inside[i] then blame("%s: fold %d has row %d on both sides", where, k, i) end
        inside[i] = true
      end
    end
    list[k] = { train, test }
  end
  return list
end

--- The folds of such data, with a warning where groups are on both sides.
-- @tparam string where
-- @tparam table problem
-- @param folds splitter, number of folds, or list of { train, test }
-- @tparam integer seed for a number of folds
-- @treturn table a list of { train, test }
-- @treturn string what they are
function data.folds(where, problem, folds, seed)
  local split = require "lubdub.split"
  if math.type(folds) == "integer" then
    local kind = problem.groups and "StratifiedGroupKFold" or "StratifiedKFold"
    folds = split[kind] { n_splits = folds, shuffle = true, seed = seed }
  end
  local parts
  if sides.is_splitter(folds) and not object.is(folds) then
    parts = {}
    for train, test in folds:split(problem.labels, problem.groups) do parts[#parts + 1] = { train, test } end
  elseif type(folds) == "table" and type(folds[1]) == "table" then
    parts = check_pairs(where, problem.n, table.move(folds, 1, #folds, 1, {}))
    folds = ("%d given folds"):format(#parts)
  else
    blame("%s: folds must be a splitter such as lubdub.split.KFold { n_splits = 5 }, a number, or a list of "
      .. "{ train, test }, got %s", where, type(folds))
  end
  if problem.clips then sides.warn(where, problem.clips, parts) end
  if problem.groups and not problem.clips then
    leaks.warn(where, problem.group_name, problem.groups, parts, problem)
  end
  return parts, tostring(folds)
end

return data
