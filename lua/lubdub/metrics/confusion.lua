--- The confusion matrix: rows are the true classes, columns the predicted ones.
-- @module lubdub.metrics
local blame = require "lubdub.blame"
local input = require "lubdub.metrics.input"
local options = require "lubdub.options"
local warning = require "lubdub.warning"

local confusion = {}

local ConfusionMatrix = { __name = "lubdub.ConfusionMatrix" }
ConfusionMatrix.__index = ConfusionMatrix

local WIDEST = 100 -- characters; a wider table numbers its columns instead of naming them

local function matrix(rows, labels, normalize)
  rows.labels, rows.normalize = labels, normalize
  return setmetatable(rows, ConfusionMatrix)
end

local function is_number(text) return text:find "^%-?[%d.]+$" ~= nil end

local function pad(text, width, left)
  local blanks = (" "):rep(width - (utf8.len(text) or #text))
  return left and text .. blanks or blanks .. text
end

--- The plain rows: { { count, ... }, ... }.
function ConfusionMatrix:totable()
  local rows = {}
  for i, row in ipairs(self) do rows[i] = { table.unpack(row) } end
  return rows
end

--- A new matrix with the counts as shares of their row ("true"), column ("pred") or of all ("all"). Where nothing
-- was counted the share is 0. `false` gives a copy.
-- @tparam string|boolean by
function ConfusionMatrix:normalized(by)
  input.choice("confusion_matrix", "normalize", by, { "true", "pred", "all", false })
  if self.normalize and by ~= self.normalize then
    blame("confusion_matrix: the matrix is normalized by %q already", self.normalize)
  end
  local rows = self:totable()
  if not by or self.normalize then return matrix(rows, self.labels, self.normalize) end
  local columns, all = {}, {}
  for _, row in ipairs(rows) do
    for j, count in ipairs(row) do
      columns[j] = columns[j] or {}
      table.insert(columns[j], count)
      all[#all + 1] = count
    end
  end
  for i, row in ipairs(self) do
    for j, count in ipairs(row) do
      local total = input.sum(by == "true" and row or by == "pred" and columns[j] or all)
      rows[i][j] = total ~= 0 and count / total or 0.0
    end
  end
  return matrix(rows, self.labels, by)
end

function ConfusionMatrix:__eq(other)
  if getmetatable(other) ~= ConfusionMatrix or #self ~= #other then return false end
  for i, row in ipairs(self) do
    if self.labels[i] ~= other.labels[i] then return false end
    for j, count in ipairs(row) do
      if count ~= other[i][j] then return false end
    end
  end
  return true
end

function ConfusionMatrix:__tostring()
  local names, texts, first, widths, total = {}, {}, #"true", {}, 0
  for i, label in ipairs(self.labels) do
    names[i], texts[i] = tostring(label), {}
    for j, count in ipairs(self[i]) do
      texts[i][j] = math.type(count) == "integer" and tostring(count)
        or (self.normalize and "%.2f" or "%.4g"):format(count)
    end
  end
  local heads = names
  local function measure()
    first, total = #"true", 0
    for _, name in ipairs(names) do first = math.max(first, utf8.len(name) or #name) end
    for j, head in ipairs(heads) do
      widths[j] = utf8.len(head) or #head
      for i in ipairs(names) do widths[j] = math.max(widths[j], #texts[i][j]) end
      total = total + 2 + widths[j]
    end
  end
  measure()
  if first + total > WIDEST then
    local numbered = {}
    heads = {}
    for i, name in ipairs(names) do heads[i], numbered[i] = ("[%d]"):format(i), ("[%d] %s"):format(i, name) end
    names = numbered
    measure()
  end
  local lines = { pad("", first) .. "  predicted", pad("true", first, true) }
  for j, head in ipairs(heads) do lines[2] = lines[2] .. "  " .. pad(head, widths[j]) end
  for i, name in ipairs(names) do
    local line = { pad(name, first, not is_number(name)) }
    for j, text in ipairs(texts[i]) do line[j + 1] = pad(text, widths[j]) end
    lines[i + 2] = table.concat(line, "  ")
  end
  return table.concat(lines, "\n")
end

--- Counts a checked pair over `labels`; a sample counts where both of its labels are among them.
function confusion.count(pair, labels)
  local place, rows = input.places(labels), {}
  local zero = pair.weights and 0.0 or 0
  for i in ipairs(labels) do
    rows[i] = {}
    for j in ipairs(labels) do rows[i][j] = zero end
  end
  for n, label in ipairs(pair.truth) do
    local i, j = place[label], place[pair.predicted[n]]
    if i and j then rows[i][j] = rows[i][j] + (pair.weights and pair.weights[n] or 1) end
  end
  return rows
end

--- The `labels` option: checked, or all labels that occur.
-- @treturn table labels
-- @treturn boolean whether they were given
function confusion.labels(where, pair, labels)
  if not labels then return pair.labels, false end
  labels = input.labels(where, "labels", labels, pair.kind)
  if #labels == 0 then blame("%s: labels is empty", where) end
  local seen = {}
  for _, label in ipairs(labels) do
    if seen[label] then blame("%s: labels holds %s twice", where, input.describe(label)) end
    seen[label] = true
  end
  return labels, true
end

--- How often each true class was predicted as each class.
-- The result is a table of rows, `cm[i][j]` with i the true and j the predicted class; it has `labels`, `normalize`,
-- `totable()`, `normalized(by)`, and prints as an aligned table. Counts are integers, or floats with weights.
-- @tparam table|Tensor y_true labels
-- @tparam table|Tensor y_pred labels
-- @tparam[opt] table given
-- @tparam ?table given.labels classes and their order (default: all that occur, sorted); samples of others are
-- left out
-- @tparam ?string|boolean given.normalize "true" (shares of the row), "pred" (of the column), "all", or false
-- @tparam ?table|Tensor given.sample_weight
-- @treturn ConfusionMatrix
function confusion.confusion_matrix(y_true, y_pred, given)
  local where = "confusion_matrix"
  local o = options.read(where, given, { labels = false, normalize = false, sample_weight = false })
  input.choice(where, "normalize", o.normalize, { "true", "pred", "all", false })
  local pair = input.pair(where, y_true, y_pred, o.sample_weight)
  local labels, chosen = confusion.labels(where, pair, o.labels)
  if chosen then
    local place, met = input.places(labels), false
    for _, label in ipairs(pair.truth) do met = met or place[label] end
    if not met then blame("%s: none of the labels occurs in y_true", where) end
  end
  if #labels == 1 then
    warning.warn(("%s: only the label %s occurs; name all classes with the option labels"):format(where, labels[1]))
  end
  local counts = matrix(confusion.count(pair, labels), labels, false)
  return o.normalize and counts:normalized(o.normalize) or counts
end

--- Whether a value is what `confusion_matrix` returns.
function confusion.is_matrix(value) return getmetatable(value) == ConfusionMatrix end

return confusion
