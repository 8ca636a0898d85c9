--- The scores of the heart sound challenges: PhysioNet/CinC 2016 and CirCor 2022.
-- @module lubdub.metrics
local blame = require "lubdub.blame"
local input = require "lubdub.metrics.input"
local options = require "lubdub.options"
local warning = require "lubdub.warning"

local challenge = {}

local tasks = {
  murmur = { present = 5, unknown = 3, absent = 1 },
  outcome = { abnormal = 5, normal = 1 },
}

local function key(label) return type(label) == "string" and label:lower() or label end

-- The weights of the task that knows all labels.
local function weights_of(where, labels, task)
  for _, name in ipairs(task and { task } or { "murmur", "outcome" }) do
    local all = true
    for _, label in ipairs(labels) do all = all and tasks[name][key(label)] ~= nil end
    if all then return tasks[name] end
  end
  local names = {}
  for i, label in ipairs(labels) do names[i] = input.describe(label) end
  blame("%s: labels must be %s; got %s", where,
    task == "murmur" and '"Present", "Unknown", "Absent"' or task == "outcome" and '"Abnormal", "Normal"'
    or '"Present", "Unknown", "Absent" (murmur) or "Abnormal", "Normal" (outcome)', table.concat(names, ", "))
end

--- CirCor 2022's weighted accuracy: trace(w * A) / sum(w * A), where A counts outputs (rows) by truth (columns) and w
-- is the weight of the true class: murmur Present 5, Unknown 3, Absent 1; outcome Abnormal 5, Normal 1.
-- @tparam table y_true labels, in any case of letters
-- @tparam table y_pred labels
-- @tparam[opt] table given
-- @tparam ?string given.task "murmur" or "outcome" (default: the one whose labels they are)
-- @tparam ?table given.weights label = weight, in place of a task's
-- @treturn number
function challenge.circor_weighted_accuracy(y_true, y_pred, given)
  local where = "circor_weighted_accuracy"
  local o = options.read(where, given, { task = false, weights = false })
  input.choice(where, "task", o.task, { "murmur", "outcome", false })
  local pair = input.pair(where, y_true, y_pred)
  local weights = o.weights or weights_of(where, pair.labels, o.task)
  if type(weights) ~= "table" then blame("%s: weights must be a table, label = weight", where) end
  local right, all = 0, 0
  for i, label in ipairs(pair.truth) do
    local weight = weights[label] or weights[key(label)]
    if type(weight) ~= "number" then blame("%s: weights has none for %s", where, input.describe(label)) end
    all = all + weight
    if pair.predicted[i] == label then right = right + weight end
  end
  return right / all
end

local names_of_kind = {
  string = { positive = "abnormal", negative = "normal", unsure = "unsure" },
  number = { positive = 1, negative = -1, unsure = 0 },
}

local good = { good = true, poor = false, [1] = true, [0] = false, [2] = false, [true] = true, [false] = false }

local function qualities(where, list, n)
  if not list then return nil end
  if type(list) ~= "table" or #list ~= n then
    blame("%s: quality must be a list of %d values, \"good\" or \"poor\"", where, n)
  end
  local result = {}
  for i = 1, n do
    result[i] = good[key(list[i])]
    if result[i] == nil then
      blame('%s: quality[%d] must be "good" or "poor" (1 or 0), got %s', where, i, input.describe(list[i]))
    end
  end
  return result
end

--- The score of PhysioNet/CinC 2016 (Clifford et al. 2016): the mean of a sensitivity and a specificity that count
-- recordings of good and of poor quality apart, each by its share. An output "unsure" is right for a poor
-- recording and wrong for a good one.
-- @tparam table y_true labels "abnormal" and "normal", or 1 and -1
-- @tparam table y_pred the same, and "unsure", or 0
-- @tparam[opt] table given
-- @tparam ?table given.quality of each recording: "good" or "poor", 1 or 0 (also 2), true or false (default: all good)
-- @tparam ?any given.pos_label the label of an abnormal one
-- @tparam ?any given.neg_label the label of a normal one
-- @tparam ?any given.unsure_label the output for neither
-- @treturn number the score
-- @treturn number the sensitivity
-- @treturn number the specificity
function challenge.physionet2016_score(y_true, y_pred, given)
  local where = "physionet2016_score"
  local o = options.read(where, given,
    { quality = false, pos_label = options.none, neg_label = options.none, unsure_label = options.none })
  local pair = input.pair(where, y_true, y_pred)
  local names = names_of_kind[pair.kind]
  if not names then blame("%s: labels must be strings or numbers, got booleans", where) end
  local positive = o.pos_label == nil and names.positive or o.pos_label
  local negative = o.neg_label == nil and names.negative or o.neg_label
  local unsure = o.unsure_label == nil and names.unsure or o.unsure_label
  local quality = qualities(where, o.quality, #pair.truth)
  local counts = { [positive] = { [true] = { n = 0, right = 0 }, [false] = { n = 0, right = 0 } },
    [negative] = { [true] = { n = 0, right = 0 }, [false] = { n = 0, right = 0 } } }
  for i, label in ipairs(pair.truth) do
    local output = pair.predicted[i]
    if not counts[label] then
      blame("%s: y_true[%d] must be %s or %s, got %s", where, i, input.describe(positive), input.describe(negative),
        input.describe(label))
    elseif output ~= unsure and not counts[output] then
      blame("%s: y_pred[%d] must be %s, %s or %s, got %s", where, i, input.describe(positive),
        input.describe(negative), input.describe(unsure), input.describe(output))
    end
    local is_good = not quality or quality[i]
    local count = counts[label][is_good]
    count.n = count.n + 1
    if output == label or (output == unsure and not is_good) then count.right = count.right + 1 end
  end
  -- shares of n1 and n2 in n times right1 / n1 and right2 / n2: all that are right by n
  local function rate(label)
    local g, p = counts[label][true], counts[label][false]
    if g.n + p.n == 0 then
      warning.warn(("%s: undefined (nan), for y_true holds no %s"):format(where, tostring(label)))
      return 0 / 0
    end
    return (g.right + p.right) / (g.n + p.n)
  end
  local sensitivity, specificity = rate(positive), rate(negative)
  return (sensitivity + specificity) / 2, sensitivity, specificity
end

return challenge
