--- A report on a classifier as one web page, which holds all it needs: pictures, sounds and style.
--
--    lubdub.report { model = model, history = history, train = train, validation = valid, test = test }
--      :save "report.html"
--    lubdub.report(lubdub.cross_validate { ... }):save "report.html"
--
-- The model predicts the test rows: `x`, or what its preprocessing makes of `test`; true labels are `y`, or the
-- column label of `test`. Groups (patients) are the column that the rows know. Whatever is not handed over is left
-- out, or the page says that it is missing; without gnuplot it says which pictures are.
-- @module lubdub.report
local blame = require "lubdub.blame"
local core = require "lubdub.core"
local evidence = require "lubdub.report.evidence"
local html = require "lubdub.report.html"
local scores = require "lubdub.report.scores"
local sections = require "lubdub.report.sections"
local style = require "lubdub.report.style"

local report = {}

local Report = { __name = "lubdub.Report" }
Report.__index = Report

-- Title, function of evidence and scores. The order is that of the page.
local parts = {
  { "Classes", "classes" }, { "Confusion matrix", "confusion" }, { "Curves", "curves" },
  { "Worst mistakes", "mistakes" }, { "Data", "data" }, { "Split", "split" }, { "Training", "training" },
  { "Model", "model" }, { "Settings", "settings" },
}

--- The page as a string.
-- @treturn string
function Report:html()
  if self.text then return self.text end
  local e, links, body = self.evidence, {}, {}
  for _, part in ipairs(parts) do
    local content = sections[part[2]](e, self.scores)
    if content then
      links[#links + 1] = html.a({ href = "#" .. part[2] }, part[1])
      links[#links + 1] = " "
      body[#body + 1] = html.section({ id = part[2] }, html.h2(part[1]), content)
    end
  end
  local page = html.html({ lang = "en" },
    html.head(
      html.meta { charset = "utf-8" },
      html.meta { name = "viewport", content = "width=device-width, initial-scale=1" },
      html.title(e.title),
      html.style(html.raw(style(e.theme)))),
    html.body(
      html.header(html.h1(e.title), sections.facts(e, self.scores)),
      html.nav(links),
      html.main(body),
      html.footer("Made by lubdub, which is no medical device: nothing here was validated for use on patients.")))
  self.text = "<!DOCTYPE html>\n" .. tostring(page) .. "\n"
  return self.text
end

--- Writes the page.
-- @tparam string path ending in .html
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] string "path: reason"
function Report:save(path)
  if type(path) ~= "string" then blame("report: save: a file name expected, got %s", type(path)) end
  if not path:lower():find "%.html?$" then blame('report: save: the file name must end in .html, got "%s"', path) end
  return core.write_aside(path, self:html())
end

function Report:__tostring()
  local e, lines = self.evidence, {}
  lines[1] = ("Report: %s; %d rows, %d classes"):format(e.title, e.n, #e.labels)
  local function line(one, name)
    local interval = one[2] == one[2] and (" (%.3f to %.3f)"):format(one[2], one[3]) or ""
    lines[#lines + 1] = ("  %-22s %.3f%s"):format(name, one[1], interval)
  end
  for _, one in ipairs(self.scores.overall) do line(one, one.name) end
  if self.scores.auc[1] == self.scores.auc[1] then line(self.scores.auc, "macro AUC") end
  lines[#lines + 1] = 'report:save "report.html" writes the page'
  return table.concat(lines, "\n")
end

--- Makes a report.
-- `result` may also be what lubdub.cross_validate returned, with the other options in `given`; with `preprocessing` (or
-- `x`) the page shows features, and with kept models Grad-CAM (of features as they are: a scaler of the folds is not
-- applied).
-- @function report
-- @tparam table result
-- @tparam ?Model result.model
-- @tparam ?History result.history of model:fit
-- @tparam ?Dataset result.test the rows that were predicted
-- @tparam ?Dataset result.train for the table of the data, and for leaks
-- @tparam ?Dataset result.validation the same
-- @tparam ?Tensor result.x features of `test` (default: made by the model's preprocessing)
-- @tparam ?table|Tensor result.y true labels: a list, class numbers or one-hot rows (default: the column label of
-- `test`)
-- @tparam ?table|Tensor result.y_score probabilities (n, classes), where the model need not predict
-- @tparam ?table result.preprocessing steps that make features of a recording (default: the model's)
-- @tparam ?table result.labels the class of each column (default: model.labels, or all in y, sorted)
-- @tparam ?string|table|boolean result.groups a column of `test` or a list (default: the column that it knows; false:
-- none)
-- @tparam ?integer result.seed shown, and of the bootstrap
-- @tparam ?string result.title
-- @tparam ?table result.settings name = value, to be shown
-- @tparam ?integer result.n_mistakes how many are shown (6)
-- @tparam ?integer result.n_resamples of the bootstrap (1000)
-- @tparam ?string result.theme "light" (default) or "dark"
-- @tparam ?table given more options, beside a cross-validation's result
-- @treturn Report with `save(path)` and `html()`; it prints
-- @usage
-- lubdub.report { y = y_true, y_score = lubdub.Tensor { { 0.2, 0.8 }, { 0.9, 0.1 }, { 0.6, 0.4 }, { 0.7, 0.3 } } }
--   :save "report.html"
function report.new(result, given)
  local e = evidence.of(result, given)
  return setmetatable({ evidence = e, scores = scores.of(e) }, Report)
end

return report
