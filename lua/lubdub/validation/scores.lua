--- The scores of a fold, by scikit-learn's names for scorers: the higher, the better.
-- @module lubdub.validation.scores
local blame = require "lubdub.blame"
local core = require "lubdub.core"
local metrics = require "lubdub.metrics"

local scores = {}

local function present(y)
  local seen, list = {}, {}
  for _, label in ipairs(y) do
    if not seen[label] then seen[label], list[#list + 1] = true, label end
  end
  return require("lubdub.order").sort(list)
end

-- A class that a fold lacks is no reason to say more than the number.
local function quiet(score, average)
  return function(y, predicted) return metrics[score](y, predicted, { average = average, zero_division = 0 }) end
end

local known = {
  accuracy = function(y, predicted) return metrics.accuracy_score(y, predicted) end,
  balanced_accuracy = function(y, predicted)
    return metrics.recall_score(y, predicted, { average = "macro", labels = present(y), zero_division = 0 })
  end,
  matthews_corrcoef = function(y, predicted) return metrics.matthews_corrcoef(y, predicted) end,
  neg_log_loss = function(y, _, probabilities, labels)
    return -metrics.log_loss(y, probabilities, { labels = labels })
  end,
  roc_auc_ovr = function(y, _, probabilities, labels)
    if #present(y) < #labels then return 0 / 0 end -- undefined: a class has no row
    if #labels == 2 then
      local second = {}
      for i, row in ipairs(probabilities:totable()) do second[i] = row[2] end
      return metrics.roc_auc_score(y, second)
    end
    return metrics.roc_auc_score(y, probabilities, { multi_class = "ovr", labels = labels })
  end,
}
for _, name in ipairs { "precision", "recall", "f1" } do
  for _, average in ipairs { "macro", "micro", "weighted" } do
    known[name .. "_" .. average] = quiet(name .. "_score", average)
  end
end

--- Reads the option: a list of names, of which some may be name = function(y_true, y_pred, probabilities, labels).
-- @tparam string where the asking function
-- @param given name, list or table
-- @treturn table a list of { name =, f = }
function scores.read(where, given)
  if type(given) == "string" then given = { given } end
  if type(given) ~= "table" then
    blame("%s: metrics must be a list of names or name = function, got %s", where, type(given))
  end
  local list, own, names = {}, {}, {}
  for name in pairs(known) do names[#names + 1] = name end
  for _, name in ipairs(given) do
    if not known[name] then
      local _, message = pcall(core.options.unknown, where, tostring(name), names)
      blame("%s", (message:gsub("unknown option", "there is no metric", 1)))
    end
    list[#list + 1] = { name = name, f = known[name] }
  end
  for name, f in pairs(given) do
    if type(name) == "string" then
      if type(f) ~= "function" then blame("%s: metrics: %s must be a function, got %s", where, name, type(f)) end
      own[#own + 1] = { name = name, f = f }
    end
  end
  table.sort(own, function(a, b) return a.name < b.name end)
  table.move(own, 1, #own, #list + 1, list)
  if #list == 0 then blame("%s: metrics is empty", where) end
  return list
end

--- All scores of some rows.
-- @treturn table name = number
function scores.all(list, y, predicted, probabilities, labels)
  local result = {}
  for _, score in ipairs(list) do
    result[score.name] = score.f(y, predicted, probabilities, labels)
    if type(result[score.name]) ~= "number" then
      blame("the metric %s must give a number, got %s", score.name, type(result[score.name]))
    end
  end
  return result
end

return scores
