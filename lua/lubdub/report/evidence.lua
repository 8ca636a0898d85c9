--- What a report is about, in one form: from a training script's parts, or from a cross-validation's result.
-- @module lubdub.report.evidence
local blame = require "lubdub.blame"
local core = require "lubdub.core"
local dataset = require "lubdub.dataset.object"
local input = require "lubdub.metrics.input"
local options = require "lubdub.options"

local Tensor = core.Tensor
local where = "report"

local evidence = {}

local known = {
  model = false, history = false, test = false, train = false, validation = false, x = false, y = false,
  y_score = false, labels = false, preprocessing = false, groups = options.none, seed = false, title = options.none,
  settings = {},
  n_mistakes = 6, n_resamples = 1000, theme = "light",
}

local function check_dataset(name, value)
  if value and not dataset.is(value) then blame("%s: %s must be a data set, got %s", where, name, type(value)) end
  return value or nil
end

-- A column of a data set as a list, or nil where a row lacks it.
local function column(rows, name)
  local list = {}
  for i, clip in rows:iter() do
    list[i] = clip[name]
    if list[i] == nil then return nil end
  end
  return list
end

-- Labels from a list, from class numbers, or from one-hot rows.
local function truth_of(y, classes)
  if not Tensor.is(y) and type(y) ~= "table" then
    blame("%s: y must be labels, or a tensor (n, classes), got %s", where, type(y))
  end
  local one_hot = Tensor.is(y) and y:ndim() == 2 or type(y) == "table" and type(y[1]) == "table"
  if not one_hot and not Tensor.is(y) then return (input.labels(where, "y", y)) end
  if not classes then blame("%s: y holds class numbers; name the classes with the option labels", where) end
  local encoder = require("lubdub.labels").LabelEncoder(classes, { sort = false })
  if Tensor.is(y) and y:ndim() == 1 and y:min() == 0 then y = y + 1 end -- Keras' class numbers count from 0
  return encoder:decode(y)
end

-- Probabilities with a column for each class, and the labels sorted beside them.
local function scores_of(scores, classes, n)
  local rows, columns = input.scores(where, "y_score", scores, n)
  if columns == 0 then
    for i, p in ipairs(rows) do rows[i] = { 1 - p, p } end
    columns = 2
  end
  if columns ~= #classes then
    blame("%s: the predictions have %d columns, and there are %d labels (%s)", where, columns, #classes,
      table.concat(classes, ", "))
  end
  local place, sorted, result = input.places(classes), input.unique(classes), {}
  for i, row in ipairs(rows) do
    result[i] = {}
    for c, label in ipairs(sorted) do result[i][c] = row[place[label]] end
  end
  return result, sorted
end

local function predicted_of(rows, labels)
  local result = {}
  for i, row in ipairs(rows) do
    local best = 1
    for c, p in ipairs(row) do
      if p > row[best] then best = c end
    end
    result[i] = labels[best]
  end
  return result
end

-- The groups of rows: a list, a column's name, or the column that the rows know.
local function groups_of(rows, given, n)
  if given == false then return nil end
  local name = type(given) == "string" and given or nil
  if type(given) == "table" then
    require("lubdub.order").check(where, "groups", given, n)
    return given, "groups"
  elseif given ~= nil and not name then
    blame("%s: groups must be a list, the name of a column, or false, got %s", where, type(given))
  end
  if not rows then
    if name then blame("%s: groups = %q names a column, and there is no data set (option test)", where, name) end
    return nil
  end
  name = name or rows:group_column()
  local list = name and column(rows, name)
  if given and not list then blame("%s: the column %q (groups) is missing in some row of test", where, name) end
  return list, name
end

local function check_numbers(o)
  o.n_mistakes = input.count(where, "n_mistakes", o.n_mistakes, 0)
  o.n_resamples = input.count(where, "n_resamples", o.n_resamples, 1)
  input.choice(where, "theme", o.theme, { "light", "dark" })
  if o.preprocessing and (type(o.preprocessing) ~= "table" or not o.preprocessing[1]) then
    blame("%s: preprocessing must be a list of steps, as of lubdub.preprocessing.steps, got %s", where,
      type(o.preprocessing))
  end
  if type(o.settings) ~= "table" then blame("%s: settings must be a table, name = value", where) end
end

local function histories_of(history)
  if not history then return {} end
  if type(history) ~= "table" or type(history.history) ~= "table" then
    blame("%s: history must be what model:fit returned, got %s", where, type(history))
  end
  return { history }
end

local function finish(o, e)
  e.n = #e.truth
  e.tensor = Tensor(e.scores)
  e.predicted = predicted_of(e.scores, e.labels)
  e.title, e.settings, e.theme = o.title or e.title, o.settings, o.theme
  e.n_mistakes, e.n_resamples = o.n_mistakes, o.n_resamples
  for i, label in ipairs(e.truth) do
    if not input.places(e.labels)[label] then
      blame("%s: row %d has the label %s, which is not among the classes (%s)", where, i, input.describe(label),
        table.concat(e.labels, ", "))
    end
  end
  return e
end

-- From a model and its test rows.
local function of_training(o)
  local model, test = o.model or nil, check_dataset("test", o.test)
  if model and type(model.predict) ~= "function" then
    blame("%s: model must be a model, got %s", where, type(model))
  end
  local steps, x = o.preprocessing or model and model.preprocessing, o.x or nil
  if x and not Tensor.is(x) then blame("%s: x must be a tensor, got %s", where, type(x)) end
  if not x and not o.y_score then
    if not test or not steps then
      blame("%s: give x, or a test data set and a model with preprocessing, or y_score", where)
    end
    x = test:extract(steps)
  end
  if not model and not o.y_score then blame("%s: give a model, or its predictions as y_score", where) end
  local scores = o.y_score or model:predict(x)
  local n = Tensor.is(scores) and scores:shape(1) or #scores
  if n == 0 then blame("%s: there are no test rows", where) end
  if test and #test ~= n then blame("%s: test has %d rows, and there are %d predictions", where, #test, n) end
  local classes = o.labels or model and model.labels or nil
  if classes and (type(classes) ~= "table" or #classes < 2) then
    blame("%s: labels must be a list of at least 2 classes", where)
  end
  local truth
  if o.y then truth = truth_of(o.y, classes)
  elseif test then
    truth = column(test, "label") or blame("%s: some row of test has no label; give y", where)
  else
    blame("%s: give y, the true labels, or a test data set", where)
  end
  if #truth ~= n then blame("%s: there are %d true labels and %d predictions", where, #truth, n) end
  local rows, labels = scores_of(scores, classes or input.unique(truth), n)
  local e = { kind = "training", model = model, steps = steps, rows = test, x = x, truth = truth, scores = rows,
    labels = labels, histories = histories_of(o.history), parts = {}, title = "A classifier on test data" }
  e.groups, e.group_name = groups_of(test, o.groups, n)
  for _, name in ipairs { "train", "validation" } do
    local part = check_dataset(name, o[name])
    if part then e.parts[#e.parts + 1] = { name = name, rows = part } end
  end
  if test then e.parts[#e.parts + 1] = { name = "test", rows = test } end
  e.seed = o.seed
  return finish(o, e)
end

-- From a cross-validation: the rows that some fold tested.
local function of_folds(o, cv)
  local all, kept = cv.probabilities:totable(), {}
  local e = { kind = "folds", truth = {}, scores = {}, folds = cv.folds, splitter = cv.splitter, cv = cv,
    histories = cv.histories or {}, parts = {}, model = o.model or nil, title = "A classifier in cross-validation" }
  for i, row in ipairs(all) do
    if row[1] == row[1] then
      kept[#kept + 1] = i
      e.truth[#kept], e.scores[#kept] = cv.y[i], row
    end
  end
  if #kept == 0 then blame("%s: no row was tested by any fold", where) end
  e.scores, e.labels = scores_of(e.scores, cv.labels, #kept)
  e.rows = cv.data and cv.data:take(kept)
  e.position = kept
  local x = o.x
  if x and not (Tensor.is(x) and x:shape(1) == #all) then
    blame("%s: x must have the %d rows of the data", where, #all)
  end
  e.steps = o.preprocessing or nil
  if not x and e.steps and cv.data then x = cv.data:extract(e.steps) end
  e.x = x and x:take(kept) or nil
  if e.rows then e.parts[1] = { name = "all", rows = cv.data } end
  if cv.groups then
    e.groups, e.group_name = {}, e.rows and e.rows:group_column() or "groups"
    for k, i in ipairs(kept) do e.groups[k] = cv.groups[i] end
  else
    e.groups, e.group_name = groups_of(e.rows, o.groups, #kept)
  end
  e.seed = o.seed or cv.seed
  return finish(o, e)
end

--- @tparam table result a table of parts, or what lubdub.cross_validate returned
-- @tparam ?table given more options, beside a cross-validation's result
-- @treturn table evidence
function evidence.of(result, given)
  if type(result) ~= "table" then
    blame("%s: a table { model =, history =, test = } or the result of cross_validate expected, got %s", where,
      type(result))
  end
  local is_cv = rawget(result, "folds") ~= nil and Tensor.is(rawget(result, "probabilities"))
  local o = options.read(where, given, known)
  if not is_cv then
    o = options.read(where, result, known)
    for name, value in pairs(given or {}) do o[name] = value end
  end
  check_numbers(o)
  return is_cv and of_folds(o, result) or of_training(o)
end

return evidence
