--- The sections of the page, from what it is about: each gives an element, or nil where there is nothing to say.
-- @module lubdub.report.sections
local core = require "lubdub.core"
local html = require "lubdub.report.html"
local leaks = require "lubdub.report.leaks"
local mistakes = require "lubdub.report.mistakes"
local pictures = require "lubdub.report.pictures"
local plot = require "lubdub.plot"
local preprocessing = require "lubdub.preprocessing"
local row = require "lubdub.row"

local sections = {}

local MOST_FOLDS = 10 -- whose curves are shown

local function number(x, digits) return x == x and ("%." .. (digits or 2) .. "f"):format(x) or "–" end

-- "0.64 (0.52–0.75)"
local function with_interval(list)
  local value, low, high = list[1], list[2], list[3]
  if value ~= value then return html.span("–") end
  if low ~= low then return html.span(number(value)) end
  return html.span(number(value), html.small((" %s–%s"):format(number(low), number(high))))
end

local function unit_of(e, found)
  return found.grouped and leaks.words(e.group_name) or "rows"
end

--- The numbers that say most, in large letters.
function sections.facts(e, found)
  local items = {}
  local function fact(one, name)
    items[#items + 1] = html.li(html.small(name), html.b(number(one[1])),
      html.small(one[2] == one[2] and ("95 %%: %s to %s"):format(number(one[2]), number(one[3])) or "no interval"))
  end
  for _, one in ipairs(found.overall) do fact(one, one.name) end
  fact(found.auc, "macro AUC")
  return html.div(
    html.ul({ class = "facts" }, items),
    html.p({ class = "soft" }, ("%d rows were predicted. Intervals: percentiles of %d bootstrap resamples of %d %s. "
      .. "Always saying the most frequent class would give an accuracy of %s. AUC is of each class against the "
      .. "rest."):format(e.n, e.n_resamples, found.n_groups, unit_of(e, found), number(found.most / e.n)),
      not found.grouped and " Without groups, recordings of one patient count as independent, and the intervals are "
        .. "too narrow where there are several." or nil))
end

local function total(rows)
  local seconds = 0
  for _, clip in rows:iter() do seconds = seconds + (row.peek(clip, "duration") or 0) end
  return seconds
end

local function span(seconds)
  if seconds < 120 then return ("%.0f s"):format(seconds) end
  return seconds < 7200 and ("%.1f min"):format(seconds / 60) or ("%.1f h"):format(seconds / 3600)
end

--- What the rows are: classes, groups, durations of each part.
function sections.data(e)
  if #e.parts == 0 then
    return html.p({ class = "missing" }, "No data set was handed over (options test, train, validation).")
  end
  local head, rows, names, seen = { "part", "rows" }, {}, {}, {}
  for _, part in ipairs(e.parts) do
    for _, clip in part.rows:iter() do
      local label = clip.label == nil and "(none)" or tostring(clip.label)
      if not seen[label] then seen[label], names[#names + 1] = true, label end
    end
  end
  require("lubdub.order").sort(names)
  local group = e.parts[1].rows:group_column()
  if group then head[3] = group end
  for _, name in ipairs(names) do head[#head + 1] = name end
  head[#head + 1] = "total"
  for p, part in ipairs(e.parts) do
    local counts, groups, n_groups = {}, {}, 0
    for _, clip in part.rows:iter() do
      local label, value = clip.label == nil and "(none)" or tostring(clip.label), group and clip[group]
      counts[label] = (counts[label] or 0) + 1
      if value ~= nil and not groups[value] then groups[value], n_groups = true, n_groups + 1 end
    end
    local line = { part.name, #part.rows }
    if group then line[3] = n_groups end
    for _, name in ipairs(names) do line[#line + 1] = counts[name] or 0 end
    line[#line + 1] = span(total(part.rows))
    rows[p] = line
  end
  local picture = pictures.figure(function()
    return plot.class_counts(e.parts[#e.parts].rows, { title = false, theme = e.theme })
  end, ("Classes of %s rows"):format(#e.parts > 1 and "the test" or "all"))
  return html.div(html.grid(head, rows), picture)
end

--- How the rows were split, and what is on both sides.
function sections.split(e)
  local lines = {}
  for i, leak in ipairs(leaks.of(e)) do
    local class = leak.bad and "bad" or not leak.unknown and "good" or "soft"
    lines[i] = html.li(html.span({ class = class }, leak.bad and "Leak: " or leak.unknown and "Unknown: " or "Clean: "),
      leak.text)
  end
  return html.div(e.splitter and html.p("Folds: ", tostring(e.splitter), ".") or nil, html.ul(lines))
end

--- The model's summary.
function sections.model(e)
  local model = e.model
  if not model and e.folds and e.folds[1] then model = e.folds[1].model end
  if not model then return nil end
  return html.pre(tostring(model))
end

--- Curves of each training.
function sections.training(e)
  if #e.histories == 0 then return nil end
  local list, folds = {}, #e.histories > 1
  for i, history in ipairs(e.histories) do
    if i > MOST_FOLDS then break end
    for name in pairs(history.history) do
      if not name:find "^val_" and name ~= "learning_rate" then list[#list + 1] = { i, name, history } end
    end
  end
  table.sort(list, function(a, b)
    if a[1] ~= b[1] then return a[1] < b[1] end
    if (a[2] == "loss") ~= (b[2] == "loss") then return a[2] == "loss" end
    return a[2] < b[2]
  end)
  for k, one in ipairs(list) do
    local i, name, history = table.unpack(one)
    list[k] = pictures.figure(function() return plot.history(history, { metrics = { name }, theme = e.theme }) end,
      ("%s%s over %d epochs"):format(folds and ("Fold %d: "):format(i) or "", name, #(history.epoch or {})))
  end
  return html.div({ class = "pair" }, list)
end

--- The confusion matrix.
function sections.confusion(e)
  local o = { labels = e.labels, normalize = "true", title = false, theme = e.theme }
  return pictures.figure(function()
    local figure = plot.confusion_matrix(e.truth, e.predicted, o)
    if #e.labels > 10 then return figure end
    o.size = { figure.width * 0.8, figure.height * 0.8 } -- its letters can still be read on a phone
    return plot.confusion_matrix(e.truth, e.predicted, o)
  end, "Confusion matrix: shares of each true class, and counts")
end

--- ROC, precision and recall, calibration.
function sections.curves(e)
  local function o(height) return { labels = e.labels, theme = e.theme, title = false, size = { 440, height } } end
  return html.div({ class = "pair" },
    pictures.figure(function() return plot.roc_curve(e.truth, e.scores, o(400 + 23 * #e.labels)) end,
      "ROC, each class against the rest"),
    pictures.figure(function() return plot.precision_recall_curve(e.truth, e.scores, o(400 + 23 * #e.labels)) end,
      "Precision and recall, each class against the rest"),
    pictures.figure(function() return plot.calibration_curve(e.truth, e.scores, o(460)) end,
      "Calibration: how often the model is right, by how sure it is"))
end

--- Each class' rates with intervals.
function sections.classes(e, found)
  local rows = {}
  for i, class in ipairs(found.classes) do
    rows[i] = { tostring(class.label), class.support, class.predicted, with_interval(class.precision),
      with_interval(class.recall), with_interval(class.specificity), with_interval(class.f1), with_interval(class.auc) }
  end
  return html.div(
    html.grid({ "class", "true", "predicted", "precision", "recall (sensitivity)", "specificity", "F1", "AUC" }, rows),
    html.p({ class = "soft" }, ("Small numbers: 95 %% intervals over %d %s; they are too narrow for a class of few "
      .. "rows, above all where it is always or never right. Log loss: %s."):format(found.n_groups, unit_of(e, found),
      found.log_loss and number(found.log_loss, 3) or "–")),
    e.cv and html.pre(tostring(e.cv)) or nil)
end

--- The worst mistakes.
function sections.mistakes(e)
  if e.n_mistakes == 0 then return nil end
  local wrong = mistakes.rank(e)
  if #wrong == 0 then return html.p "There is none: every row was predicted right." end
  local list = {}
  for k = 1, math.min(#wrong, e.n_mistakes) do list[k] = mistakes.show(e, wrong[k]) end
  return html.div(html.p({ class = "soft" }, ("%d of %d rows were predicted wrong; here are the %d whose true class "
    .. "was given the least probability. Sounds are at most 10 s, at 8000 Hz or less, and made equally loud."):format(
    #wrong, e.n, #list)), list)
end

local function text_of(value)
  if type(value) ~= "table" then return tostring(value) end
  local names, parts = {}, {}
  for name in pairs(value) do names[#names + 1] = tostring(name) end
  table.sort(names)
  for i, name in ipairs(names) do
    local inner = value[name]
    if inner == nil then inner = value[tonumber(name)] end
    parts[i] = ("%s = %s"):format(name, text_of(inner))
  end
  return table.concat(parts, ", ")
end

--- Settings, seed and versions.
function sections.settings(e)
  local rows = {}
  local function add(name, value)
    if value ~= nil and value ~= false and value ~= "" then rows[#rows + 1] = { name, text_of(value) } end
  end
  local names = {}
  for name in pairs(e.settings) do names[#names + 1] = tostring(name) end
  table.sort(names)
  for _, name in ipairs(names) do add(name, e.settings[name]) end
  add("seed", e.seed)
  local model = e.model
  if model then
    add("seed of the weights", model.seed)
    if model.optimizer then add("optimizer", tostring(model.optimizer)) end
    add("loss", type(model.loss) == "string" and model.loss or model.loss and tostring(model.loss))
    add("metrics", model.metrics and table.concat(model.metrics, ", "))
  end
  if e.steps then add("preprocessing", (preprocessing.describe(e.steps):gsub("\n", "; "))) end
  add("lubdub", require("lubdub")._VERSION)
  add("Lua", _VERSION)
  add("processor", ("kernels %s, %d threads"):format(core.cpu(), core.num_threads()))
  add("written", os.date "!%Y-%m-%d %H:%M UTC")
  for i, line in ipairs(rows) do rows[i] = html.tr(html.th({ scope = "row" }, line[1]), html.td(line[2])) end
  return html.div({ class = "text" }, html.table(html.tbody(rows)))
end

return sections
