--- Rare classes made as frequent as the others, or frequent ones as rare: which rows to take, and how often.
--
--    local rows = lubdub.resample.over(train:column "label", { seed = 1 })
--    x, train = x:take(rows), train:take(rows)
--    local balanced = lubdub.resample.under(train, { seed = 1 })       -- a data set gives a data set
--
-- The rows are those of imbalanced-learn's RandomOverSampler and RandomUnderSampler for the same seed. Only training
-- rows may be resampled, after the split: a copy of a row on the other side is a leak. `lubdub.cross_validate` does so.
-- @module lubdub.resample
-- @usage
-- local balanced = lubdub.resample.over(clips, { seed = 1 })
-- print(balanced:value_counts "label")
local blame = require "lubdub.blame"
local object = require "lubdub.dataset.object"
local options = require "lubdub.options"
local order = require "lubdub.order"
local random = require "lubdub.random"

local resample = {}

-- Which classes get which size: by name, or a table label = number of rows.
local function targets(where, strategy, distinct, counts, over)
  local least, most, first_most, first_least = math.huge, 0, nil, nil
  for c, count in ipairs(counts) do
    if count > most then most, first_most = count, c end
    if count < least then least, first_least = count, c end
  end
  local size, wanted = over and most or least, {}
  if strategy == "auto" then strategy = over and "not majority" or "not minority" end
  if type(strategy) == "table" then
    for label in pairs(strategy) do
      local known = false
      for _, there in ipairs(distinct) do known = known or there == label end
      if not known then blame("%s: sampling_strategy names %s, which is no label", where, tostring(label)) end
    end
    for c, label in ipairs(distinct) do
      local n = strategy[label]
      if n ~= nil and (math.type(n) ~= "integer" or n < 1) then
        blame("%s: sampling_strategy must give a number of rows for %s, got %s", where, tostring(label), tostring(n))
      end
      if n and (over and n < counts[c] or not over and n > counts[c]) then
        blame("%s: %d rows of %s cannot become %d by %s", where, counts[c], tostring(label), n,
          over and "adding some" or "leaving some out")
      end
      wanted[c] = n
    end
    return wanted
  end
  local left_out = { ["not majority"] = first_most, ["not minority"] = first_least, all = 0 }
  local only = { minority = first_least, majority = first_most }
  if not left_out[strategy] and (not only[strategy] or (strategy == "majority") == over) then
    blame("%s: sampling_strategy must be \"auto\", \"not majority\", \"not minority\", \"all\", \"%s\" or a table "
      .. "{ label = rows }, got %s", where, over and "minority" or "majority", tostring(strategy))
  end
  for c in ipairs(counts) do
    if only[strategy] and c == only[strategy] or left_out[strategy] and c ~= left_out[strategy] then
      wanted[c] = size
    end
  end
  return wanted
end

local function read(where, what, given, over)
  local known = { seed = options.none, sampling_strategy = "auto", label = "label" }
  if not over then known.replacement = false end
  local o = options.read(where, given, known)
  local labels = what
  if object.is(what) then labels = what:column(o.label) end
  order.check(where, "labels", labels)
  if #labels == 0 then blame("%s: no labels", where) end
  local distinct, places, counts = order.unique(labels)
  local rows = {}
  for c = 1, #distinct do rows[c] = {} end
  for i, c in ipairs(places) do table.insert(rows[c], i) end
  return o, rows, targets(where, o.sampling_strategy, distinct, counts, over), #labels
end

--- All rows, and behind them more of the rarer classes, drawn with replacement, until all are as frequent as the
-- most frequent one.
-- @tparam table what labels of the rows, or a data set
-- @tparam ?table given `seed`; `sampling_strategy`: "auto" (the same as "not majority"), "minority", "not minority",
-- "all", or { label = number of rows }; `label`: the column, of a data set
-- @return positions, or a data set
function resample.over(what, given)
  local where = "resample.over"
  local o, rows, wanted, n = read(where, what, given, true)
  local result = {}
  for i = 1, n do result[i] = i end
  local seed = o.seed or nil
  local rng = random.check(seed, where)
  for c, of_class in ipairs(rows) do
    if wanted[c] then
      local more = wanted[c] - #of_class
      for _, i in ipairs(rng:choice(of_class, more)) do result[#result + 1] = i end
    end
  end
  return object.is(what) and what:take(result) or result
end

--- Some rows of the more frequent classes, drawn without replacement, so that all are as rare as the rarest one;
-- class by class, in the order of the labels.
-- @tparam table what labels of the rows, or a data set
-- @tparam ?table given `seed`; `replacement`: false; `sampling_strategy`: "auto" (the same as "not minority"),
-- "majority", "not majority", "all", or { label = number of rows }; `label`: the column, of a data set
-- @return positions, or a data set
function resample.under(what, given)
  local where = "resample.under"
  local o, rows, wanted = read(where, what, given, false)
  local rng = random.check(o.seed, where)
  local result = {}
  for c, of_class in ipairs(rows) do
    local kept = of_class
    if wanted[c] then kept = rng:choice(of_class, wanted[c], { replace = o.replacement }) end
    table.move(kept, 1, #kept, #result + 1, result)
  end
  return object.is(what) and what:take(result) or result
end

return resample
