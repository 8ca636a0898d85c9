--- From windows to recordings to patients: one prediction for all rows of a group.
-- @module lubdub.metrics
local blame = require "lubdub.blame"
local core = require "lubdub.core"
local input = require "lubdub.metrics.input"
local options = require "lubdub.options"
local order = require "lubdub.order"

local aggregate = {}

-- Distinct groups as they first appear, and the rows of each.
local function parts_of(where, groups, n)
  if groups == nil then blame("%s: the option groups is missing: the group of each row", where) end
  order.check(where, "groups", groups, n)
  local distinct, rows, place = {}, {}, {}
  for i = 1, n do
    local group = groups[i]
    if not place[group] then
      distinct[#distinct + 1] = group
      place[group], rows[#distinct] = #distinct, {}
    end
    table.insert(rows[place[group]], i)
  end
  return distinct, rows
end

-- What all rows of a group have in common.
local function common(where, name, list, n, distinct, rows)
  order.check(where, name, list, n)
  local result = {}
  for g, members in ipairs(rows) do
    result[g] = list[members[1]]
    for _, i in ipairs(members) do
      if list[i] ~= result[g] then
        blame("%s: %s must be the same for all rows of a group, but group %s has %s and %s", where, name,
          input.describe(distinct[g]), input.describe(result[g]), input.describe(list[i]))
      end
    end
  end
  return result
end

-- The most frequent label; of equally frequent ones the first in order.
local function vote(labels, members)
  local counts, best = {}, nil
  for _, i in ipairs(members) do counts[labels[i]] = (counts[labels[i]] or 0) + 1 end
  local list = {}
  for _, i in ipairs(members) do list[#list + 1] = labels[i] end
  for _, label in ipairs(input.unique(list)) do
    if not best or counts[label] > counts[best] then best = label end
  end
  return best
end

local function highest(row)
  local best = 1
  for c, score in ipairs(row) do
    if score > row[best] then best = c end
  end
  return best
end

-- Each group's mean of its rows, or the share of its rows in which each column is highest.
local function combine(rows, columns, members, by)
  local sums = {}
  for c = 1, columns do sums[c] = 0.0 end
  for _, i in ipairs(members) do
    local best = by == "vote" and highest(rows[i])
    for c, score in ipairs(rows[i]) do sums[c] = sums[c] + (best and (c == best and 1 or 0) or score) end
  end
  for c = 1, columns do sums[c] = sums[c] / #members end
  return sums
end

local Result = { __name = "lubdub.Aggregate" }

function Result:__tostring()
  local most, least = 0, math.huge
  for _, n in ipairs(self.counts) do most, least = math.max(most, n), math.min(least, n) end
  local rows = least == most and tostring(least) or ("%d to %d"):format(least, most)
  return ("%d groups of %s rows, by %s"):format(#self.groups, rows, self.by)
end

--- Combines the predictions of all rows of a group: windows of a recording, recordings of a patient.
--
--    local one = metrics.aggregate(model:predict(x), { groups = windows:column "recording",
--      y_true = windows:column "label", columns = { patient = windows:column "patient" } })
--    local two = metrics.aggregate(one.y_pred, { groups = one.patient, y_true = one.y_true })
-- @tparam Tensor|table y_pred probabilities (n, classes), or labels (n)
-- @tparam table given
-- @tparam table given.groups the group of each row
-- @tparam ?string given.by "mean" of the probabilities (the default, with them), or "vote": the share of rows in
-- which each class is the likeliest; of labels the most frequent one (of equally frequent ones the first in order)
-- @tparam ?table given.y_true the label of each row, the same for all rows of a group
-- @tparam ?table given.columns name = list: more that all rows of a group have in common
-- @treturn table groups (as they first appear), counts (rows of each), y_pred (Tensor (groups, classes), or labels),
-- y_true, and each of `columns` by its name
function aggregate.aggregate(y_pred, given)
  local where = "aggregate"
  local o = options.read(where, given,
    { groups = options.none, by = options.none, y_true = false, columns = false })
  local shape = core.Tensor.is(y_pred) and y_pred:shape()
  local scored = shape and #shape == 2 or type(y_pred) == "table" and type(y_pred[1]) == "table"
  local n = shape and shape[1] or type(y_pred) == "table" and #y_pred
    or blame("%s: y_pred must be a tensor (n, classes) or a list of labels, got %s", where, input.describe(y_pred))
  if n == 0 then blame("%s: y_pred is empty", where) end
  if shape and #shape > 2 then blame("%s: y_pred must be (n, classes), got %s", where, input.describe(y_pred)) end
  local by = o.by == nil and (scored and "mean" or "vote") or o.by
  input.choice(where, "by", by, { "mean", "vote" })
  if not scored and by == "mean" then blame('%s: by = "mean" needs probabilities (n, classes), not labels', where) end
  local distinct, members = parts_of(where, o.groups, n)
  local result = { groups = distinct, counts = {}, by = by }
  for name, list in pairs(o.columns or {}) do
    if result[name] ~= nil or name == "y_true" or name == "y_pred" then
      blame("%s: a column cannot be named %s", where, tostring(name))
    end
    result[name] = common(where, ("columns.%s"):format(name), list, n, distinct, members)
  end
  if o.y_true then result.y_true = common(where, "y_true", o.y_true, n, distinct, members) end
  local combined = {}
  if scored then
    local rows, columns = input.scores(where, "y_pred", y_pred, n)
    if columns == 0 then
      columns = 1
      for i, score in ipairs(rows) do rows[i] = { score } end
    end
    if columns == 1 and by == "vote" then
      blame('%s: by = "vote" needs a column for each class, or labels', where)
    end
    for g, list in ipairs(members) do combined[g] = combine(rows, columns, list, by) end
    combined = core.Tensor(combined)
  else
    local labels = input.labels(where, "y_pred", y_pred)
    for g, list in ipairs(members) do combined[g] = vote(labels, list) end
  end
  for g, list in ipairs(members) do result.counts[g] = #list end
  result.y_pred = combined
  return setmetatable(result, Result)
end

return aggregate
