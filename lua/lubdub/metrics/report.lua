--- The classification report, in scikit-learn's layout.
-- @module lubdub.metrics
local blame = require "lubdub.blame"
local confusion = require "lubdub.metrics.confusion"
local input = require "lubdub.metrics.input"
local options = require "lubdub.options"
local rates = require "lubdub.metrics.rates"
local warning = require "lubdub.warning"

local report = {}

local columns = { "precision", "recall", "f1-score", "support" }
local all_measures = { precision = true, recall = true, ["f-score"] = true }

local function right(text, width)
  return (" "):rep(width - (utf8.len(text) or #text)) .. text
end

local function fixed(value, digits)
  return value == value and ("%." .. digits .. "f"):format(value) or "nan"
end

-- A support as Python writes it: 12, or with weights the shortest text that reads back as the same float.
local function count(value)
  if math.type(value) == "integer" then return tostring(value) end
  if value == math.floor(value) and math.abs(value) < 1e16 then return ("%.1f"):format(value) end
  for precision = 1, 17 do
    local text = ("%." .. precision .. "g"):format(value)
    if tonumber(text) == value then return text end
  end
end

local function line(width, name, cells)
  local parts = { right(name, width) .. " " }
  for i, cell in ipairs(cells) do parts[i + 1] = right(cell, 9) end
  return table.concat(parts, " ")
end

local function text_of(rows, averages, width, digits)
  local lines = { line(width, "", columns), "" }
  local function add(row, only_f)
    local cells = { "", "", fixed(row[3], digits), count(row[4]) }
    if not only_f then cells[1], cells[2] = fixed(row[1], digits), fixed(row[2], digits) end
    lines[#lines + 1] = line(width, row.name, cells)
  end
  for _, row in ipairs(rows) do add(row) end
  lines[#lines + 1] = ""
  for _, row in ipairs(averages) do add(row, row.name == "accuracy") end
  return table.concat(lines, "\n") .. "\n"
end

local function table_of(rows, averages)
  local result = {}
  for _, list in ipairs { rows, averages } do
    for _, row in ipairs(list) do
      local entry = {}
      for i, column in ipairs(columns) do entry[column] = row[i] end
      result[row.name] = entry
    end
  end
  if result.accuracy then result.accuracy = result.accuracy.precision end
  return result
end

local function names_of(where, o, labels, chosen)
  local names = {}
  if not o.target_names then
    for i, label in ipairs(labels) do names[i] = tostring(label) end
    return names
  end
  if type(o.target_names) ~= "table" then
    blame("%s: target_names must be a list of strings, got %s", where, input.describe(o.target_names))
  end
  for i, name in ipairs(o.target_names) do names[i] = tostring(name) end
  if #names ~= #labels then
    local message = ("%s: %d target_names for %d labels"):format(where, #names, #labels)
    if not chosen or #names == 0 then blame("%s; name all classes with the option labels", message) end
    warning.warn(message)
  end
  return names
end

--- Precision, recall, F1 and support of every class, accuracy, and the averages, as a text.
-- The row is "accuracy" while every label that occurs is shown, and "micro avg" where `labels` leaves some out.
-- @tparam table|Tensor y_true labels
-- @tparam table|Tensor y_pred labels
-- @tparam[opt] table given
-- @tparam ?table given.labels classes and their order (default: all that occur, sorted)
-- @tparam ?table given.target_names names to show, in the order of the labels
-- @tparam ?integer given.digits after the point (2)
-- @tparam ?boolean given.output_dict true: a table by name, of { precision =, recall =, ["f1-score"] =, support = },
-- and the number `accuracy`
-- @tparam ?string|number given.zero_division what 0/0 counts as: "warn" (0, with a warning), 0, 1, or nan
-- @tparam ?table|Tensor given.sample_weight
-- @treturn string|table
function report.classification_report(y_true, y_pred, given)
  local where = "classification_report"
  local o = options.read(where, given, {
    labels = false, target_names = false, sample_weight = false, digits = 2, output_dict = false,
    zero_division = "warn",
  })
  local digits = math.tointeger(o.digits)
  if not digits or digits < 0 or digits > 99 then
    blame("%s: digits must be a whole number from 0 to 99, got %s", where, input.describe(o.digits))
  end
  local pair = input.pair(where, y_true, y_pred, o.sample_weight)
  local labels, chosen = confusion.labels(where, pair, o.labels)
  local names = names_of(where, o, labels, chosen)
  local zero, warn = rates.zero_division(where, o.zero_division)
  local tally = rates.tally(pair, labels)

  local function measure(average, aloud)
    local how = { average = average, beta = 1.0, zero = zero, warn = aloud, warn_for = all_measures }
    return rates.measure(tally, how, rates.report_measures)
  end

  local p, r, f = measure(false, warn)
  local rows, width = {}, math.max(#"weighted avg", digits)
  for i, name in ipairs(names) do
    width = math.max(width, utf8.len(name) or #name)
    if labels[i] ~= nil then rows[i] = { name = name, p[i], r[i], f[i], tally.support[i] } end
  end

  local shown, whole = input.places(labels), true
  for _, label in ipairs(pair.labels) do whole = whole and shown[label] end
  local support = input.sum(tally.support)
  support = math.type(tally.support[1]) == "integer" and math.tointeger(support) or support
  local averages = {}
  for i, average in ipairs { "micro", "macro", "weighted" } do
    local name = average == "micro" and whole and "accuracy" or average .. " avg"
    -- the classes above have warned of each 0/0 already
    averages[i] = { name = name, measure(average, false) }
    averages[i][4] = support
  end

  if o.output_dict then return table_of(rows, averages) end
  return text_of(rows, averages, width, digits)
end

return report
