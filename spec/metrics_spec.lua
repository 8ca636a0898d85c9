local json = require "dkjson"
local metrics = require "lubdub.metrics"
local warned = require "support.warned"

local nan = 0 / 0

local function golden()
  local file = assert(io.open "spec/golden/metrics.json")
  local text = file:read "a"
  file:close()
  return assert(json.decode(text, 1, false))
end

local function number(x) return x == "nan" and nan or x == "inf" and math.huge or x end

-- Whether two numbers, or nested lists of them, agree to a relative 1e-12.
local function near(expected, got, path)
  if type(expected) == "table" then
    assert.are.equal(#expected, #got, path .. ": length")
    for i, value in ipairs(expected) do near(value, got[i], path .. "[" .. i .. "]") end
    return
  end
  expected = number(expected)
  if expected ~= expected then return assert(got ~= got, path .. ": nan expected, got " .. tostring(got)) end
  local message = ("%s: expected %.17g, got %s"):format(path, expected, tostring(got))
  assert(type(got) == "number", message)
  assert(got == expected or math.abs(got - expected) <= 1e-12 * math.max(1, math.abs(expected)), message)
end

local none = { None = false }
local function option(text)
  if none[text] ~= nil then return none[text] end
  return text
end

describe("lubdub.metrics against scikit-learn", function()
  local values = golden()
  warned(before_each, after_each)

  for n, case in ipairs(values.cases) do
    local t, p = case["true"], case.pred
    local function with(more)
      local o = { labels = case.labels, sample_weight = case.weights }
      for name, value in pairs(more or {}) do o[name] = value end
      return o
    end
    local name = ("case %d (%d samples)"):format(n, #t)

    it("writes the same report, " .. name, function()
      for zero, text in pairs(case.report) do
        assert.are.equal(text, metrics.classification_report(t, p, with {
          digits = case.digits, target_names = case.target_names,
          zero_division = zero == "nan" and nan or tonumber(zero),
        }))
      end
      local got = metrics.classification_report(t, p, with { target_names = case.target_names, output_dict = true })
      for class, row in pairs(case.dict) do
        if type(row) == "table" then
          for column, value in pairs(row) do near(value, got[class][column], class .. " " .. column) end
        else
          near(row, got[class], class)
        end
        got[class] = nil
      end
      assert.is_nil(next(got))
    end)

    it("finds the same rates, " .. name, function()
      for zero, averages in pairs(case.rates) do
        zero = zero == "nan" and nan or tonumber(zero)
        for average, expected in pairs(averages) do
          local o = with { average = average ~= "none" and average, zero_division = zero }
          local precision, recall, f, support = metrics.precision_recall_fscore_support(t, p, o)
          near(expected[1], precision, average .. " precision")
          near(expected[2], recall, average .. " recall")
          near(expected[3], f, average .. " f")
          if average == "none" then near(expected[4], support, "support") else assert.is_nil(support) end
          near(expected[1], metrics.precision_score(t, p, o), average .. " precision_score")
          near(expected[2], metrics.recall_score(t, p, o), average .. " recall_score")
          near(expected[3], metrics.f1_score(t, p, o), average .. " f1_score")
          o.beta = 0.5
          near(expected[5], metrics.fbeta_score(t, p, o), average .. " fbeta_score")
        end
      end
      local o = { labels = case.labels, average = false, zero_division = 0 }
      near(case.specificity, metrics.specificity_score(t, p, o), "specificity")
    end)

    it("counts the same confusions, " .. name, function()
      for how, expected in pairs(case.matrix) do
        if expected == "error" then
          assert.has_error(function() metrics.confusion_matrix(t, p, with { normalize = option(how) }) end)
        else
          local got = metrics.confusion_matrix(t, p, with { normalize = option(how) })
          near(expected, got, how)
          near(expected, metrics.confusion_matrix(t, p, with()):normalized(option(how)), how)
        end
      end
    end)

    it("finds the same scores, " .. name, function()
      local o = { sample_weight = case.weights }
      near(case.accuracy, metrics.accuracy_score(t, p, o), "accuracy")
      near(case.balanced, metrics.balanced_accuracy_score(t, p, o), "balanced accuracy")
      near(case.matthews, metrics.matthews_corrcoef(t, p, o), "matthews")
      o.adjusted = true
      near(case.adjusted, metrics.balanced_accuracy_score(t, p, o), "adjusted")
      o.adjusted, o.normalize = nil, false
      near(case.right, metrics.accuracy_score(t, p, o), "count")
      for how, expected in pairs(case.kappa) do
        if expected ~= "error" then
          near(expected, metrics.cohen_kappa_score(t, p, with { weights = option(how) }), "kappa " .. how)
        end
      end
    end)
  end

  for n, case in ipairs(values.binary) do
    it("finds the rates of the positive class, case " .. n, function()
      for i, name in ipairs { "precision_score", "recall_score", "f1_score" } do
        near(case.scores[i], metrics[name](case["true"], case.pred, { pos_label = case.pos_label, zero_division = 0 }),
          name)
      end
    end)
  end

  for n, case in ipairs(values.scored) do
    it(("judges the same probabilities alike, case %d"):format(n), function()
      local t, scores = case["true"], case.scores
      local o = { labels = case.names, sample_weight = case.weights }
      near(case.brier, metrics.brier_score_loss(t, scores, o), "brier")
      near(case.log_loss, metrics.log_loss(t, scores, o), "log loss")
      o.normalize = false
      near(case.log_loss_sum, metrics.log_loss(t, scores, o), "log loss, sum")
      o.normalize = nil
      for average, expected in pairs(case.ovr or {}) do
        o.multi_class, o.average = "ovr", option(average)
        near(expected, metrics.roc_auc_score(t, scores, o), "ovr " .. average)
      end
      for average, expected in pairs(case.ovo or {}) do
        o.multi_class, o.average = "ovo", average
        near(expected, metrics.roc_auc_score(t, scores, o), "ovo " .. average)
      end
      for average, expected in pairs(case.ap or {}) do
        near(expected, metrics.average_precision_score(t, scores,
          { average = option(average), sample_weight = case.weights }), "average precision " .. average)
      end
      if not case.auc then return end
      local one, positive = {}, case.names[2]
      for i, row in ipairs(scores) do one[i] = row[2] end
      local w = { sample_weight = case.weights }
      near(case.auc, metrics.roc_auc_score(t, one, w), "auc")
      near(case.auc, metrics.roc_auc_score(t, scores, w), "auc of two columns")
      w.max_fpr = 0.3
      near(case.auc_low, metrics.roc_auc_score(t, one, w), "partial auc")
      w = { sample_weight = case.weights, pos_label = positive }
      near(case.roc, { metrics.roc_curve(t, one, w) }, "roc")
      near(case.pr, { metrics.precision_recall_curve(t, one, w) }, "precision-recall")
      near(case.ap_one, metrics.average_precision_score(t, one, w), "average precision")
      near(case.brier_one, metrics.brier_score_loss(t, one, w), "brier of one column")
      w.drop_intermediate = false
      near(case.roc_all, { metrics.roc_curve(t, one, w) }, "whole roc")
      w.drop_intermediate = true
      near(case.pr_few, { metrics.precision_recall_curve(t, one, w) }, "thinned precision-recall")
    end)
  end
end)

describe("lubdub.metrics", function()
  local said = warned(before_each, after_each)

  local t = { "a", "b", "a", "c", "c", "b" }
  local p = { "a", "b", "c", "c", "c", "a" }

  it("prints a confusion matrix as an aligned table", function()
    assert.are.equal(table.concat({
      "      predicted",
      "true  a  b  c",
      "a     1  0  1",
      "b     1  1  0",
      "c     0  0  2",
    }, "\n"), tostring(metrics.confusion_matrix(t, p)))
    assert.are.equal(table.concat({
      "          predicted",
      "true      Geräusch     é",
      "Geräusch      0.50  0.50",
      "é             0.00  0.00",
    }, "\n"), tostring(metrics.confusion_matrix({ "Geräusch", "Geräusch" }, { "Geräusch", "é" },
      { normalize = "true" })))
  end)

  it("numbers the columns of a table that would be too wide", function()
    local names = {}
    for i = 1, 12 do names[i] = ("class %02d of a dozen"):format(i) end
    local text = tostring(metrics.confusion_matrix(names, names))
    for line in text:gmatch "[^\n]+" do assert(utf8.len(line) <= 100, line) end
    assert.truthy(text:find("[12] class 12 of a dozen", 1, true))
    assert.truthy(text:find("  [12]\n", 1, true))
  end)

  it("gives a confusion matrix as rows with labels", function()
    local cm = metrics.confusion_matrix(t, p, { labels = { "c", "a" } })
    assert.are.same({ { 2, 0 }, { 1, 1 } }, cm:totable())
    assert.are.same({ "c", "a" }, cm.labels)
    assert.is_false(cm.normalize)
    assert.are.equal("pred", cm:normalized("pred").normalize)
    assert.are.equal("integer", math.type(cm[1][1]))
    assert.has_error(function() cm:normalized("pred"):normalized("true") end,
      'confusion_matrix: the matrix is normalized by "pred" already')
    assert.is_true(cm == metrics.confusion_matrix(t, p, { labels = { "c", "a" } }))
    assert.is_false(cm == metrics.confusion_matrix(t, p))
  end)

  it("warns once of each undefined rate and names its classes", function()
    local text = metrics.classification_report({ "a", "a", "b" }, { "a", "a", "a" })
    metrics.classification_report({ "a", "a", "b" }, { "a", "a", "a" })
    assert.truthy(text:find("b       0.00      0.00      0.00         1", 1, true))
    assert.are.same(
      { "precision of b is undefined (never predicted) and taken as 0; the option zero_division decides" }, said)
    metrics.recall_score({ "a", "a" }, { "a", "b" }, { average = "macro" })
    assert.are.equal("recall of b is undefined (no true sample) and taken as 0; the option zero_division decides",
      said[2])
    metrics.recall_score({ "a", "a" }, { "a", "c" }, { average = "macro", zero_division = 0 })
    assert.are.equal(2, #said)
  end)

  it("warns where a task is too small for its metric", function()
    metrics.confusion_matrix({ "a" }, { "a" })
    assert.truthy(said[1]:find("only the label a occurs", 1, true))
    metrics.balanced_accuracy_score({ "a", "a" }, { "a", "z" })
    assert.truthy(said[2]:find("left out: z", 1, true))
    local auc = metrics.roc_auc_score({ 1, 1 }, { 0.3, 0.4 })
    assert(auc ~= auc)
    assert.truthy(said[3]:find("one class only", 1, true))
    local fpr, tpr = metrics.roc_curve({ 1, 1 }, { 0.3, 0.4 })
    assert(fpr[2] ~= fpr[2])
    assert.are.equal(1, tpr[#tpr])
    assert.truthy(said[4]:find("no negative sample", 1, true))
    local _, recall = metrics.precision_recall_curve({ 0, 0 }, { 0.3, 0.4 })
    assert.are.equal(1, recall[1])
    assert.truthy(said[5]:find("no positive sample", 1, true))
  end)

  it("treats 1.0 and 1 as one label, and takes booleans", function()
    assert.are.equal(1, metrics.accuracy_score({ 1, 2 }, { 1.0, 2.0 }))
    assert.truthy(metrics.classification_report({ 1.0, 2 }, { 1, 2 }):find "\n +1 +1%.00")
    local murmur, heard = { true, false, true, false }, { true, true, false, false }
    assert.are.equal(0.5, metrics.precision_score(murmur, heard))
    assert.are.equal(0.5, metrics.specificity_score(murmur, heard))
    assert.are.equal(0.875, metrics.roc_auc_score(murmur, { 0.9, 0.5, 0.5, 0.1 }))
  end)

  it("takes tensors of classes, scores and weights", function()
    local Tensor = require("lubdub").Tensor
    local truth, guess = Tensor { 1, 2, 3, 1 }, Tensor { { 1 }, { 2 }, { 3 }, { 2 } }
    assert.are.equal(metrics.classification_report({ 1, 2, 3, 1 }, { 1, 2, 3, 2 }),
      metrics.classification_report(truth, guess))
    assert.are.equal(0.8, metrics.accuracy_score(truth, guess, { sample_weight = Tensor { 2, 1, 1, 1 } }))
    assert.are.equal(0.75, metrics.roc_auc_score({ 0, 1, 0, 1 }, Tensor { 0.1, 0.2, 0.3, 0.4 }))
    assert.are.equal(0.75, metrics.roc_auc_score({ 0, 1, 0, 1 },
      Tensor { { 0.9, 0.1 }, { 0.8, 0.2 }, { 0.7, 0.3 }, { 0.6, 0.4 } }))
    -- a certain but wrong float32 probability is clipped at 2^-23, a double at 2^-52
    near(23 * math.log(2), metrics.log_loss({ 0, 1 }, Tensor { 1, 1 }, { normalize = false }) - 2.0 ^ -23, "float32")
    near(52 * math.log(2), metrics.log_loss({ 0, 1 }, { 1, 1 }, { normalize = false }), "double")
    assert.has_error(function() metrics.accuracy_score(truth, Tensor { { 0.1, 0.9 }, { 0.2, 0.8 } }) end,
      "accuracy_score: y_pred must be a list of labels or a tensor (n), got a tensor (2, 2)")
  end)

  it("sorts labels by bytes", function()
    assert.are.same({ "B", "Z", "a", "ab", "Ä", "é", "正" },
      metrics.confusion_matrix({ "é", "a", "Z", "正", "ab" }, { "Ä", "B", "a", "a", "a" }).labels)
  end)

  it("knows the labels of values per class", function()
    local recall = metrics.recall_score(t, p, { average = false })
    assert.are.equal("{ a = 0.5, b = 0.5, c = 1 }", tostring(recall))
    assert.are.same({ "a", "b", "c" }, recall.labels)
    assert.are.equal(3, #recall)
  end)

  it("says what is wrong, at the caller's line", function()
    local f1, line = metrics.f1_score, "spec/metrics_spec.lua:%d+: "
    local function fails(message, f, ...)
      local arguments = table.pack(...)
      local ok, got = pcall(function() f(table.unpack(arguments, 1, arguments.n)) end)
      assert.is_false(ok)
      assert(got:find("^" .. line), got)
      assert.are.equal(message, (got:gsub(line, "")))
    end
    fails("f1_score: y_true and y_pred must have the same length, got 6 and 1", f1, t, { "a" })
    fails("f1_score: y_true and y_pred are empty", f1, {}, {})
    fails("accuracy_score: y_true and y_pred are empty", metrics.accuracy_score, {}, {})
    fails("classification_report: y_true and y_pred are empty", metrics.classification_report, {}, {})
    fails("f1_score: y_true must be a list of labels or a tensor (n), got nil", f1)
    fails('f1_score: y_pred must be a list of labels or a tensor (n), got "abc"', f1, t, "abc")
    fails("f1_score: labels must be of one kind, but y_pred[1] is a number among strings", f1, t, { 1, 2, 3, 4, 5, 6 })
    fails("f1_score: y_pred[1] must be a label (a string or a whole number), got 0.25", f1, { 1, 2 }, { 0.25, 0.75 })
    fails("f1_score: y_pred[1] must be a label (a string or a whole number), got a table", f1, { 1 },
      { { 0.25, 0.75 } })
    fails('f1_score: there are 3 classes; choose average = "macro", "weighted", "micro" or false (one value per class)',
      f1, t, p)
    fails('f1_score: pos_label must be one of the labels ("a", "b"), got 1', f1, { "a", "b" }, { "a", "b" })
    fails("f1_score: unknown option 'averag'; did you mean 'average'?", f1, t, p, { averag = "macro" })
    fails('f1_score: average must be "binary", "micro", "macro", "weighted" or false, got "mean"', f1, t, p,
      { average = "mean" })
    fails('f1_score: zero_division must be "warn", 0, 1 or nan, got 0.5', f1, t, p,
      { average = "macro", zero_division = 0.5 })
    fails("f1_score: sample_weight must have as many values as y_true, 6, got 2", f1, t, p,
      { average = "macro", sample_weight = { 1, 2 } })
    fails("fbeta_score: the option beta is missing", metrics.fbeta_score, t, p)
    fails("fbeta_score: beta must be a number of at least 0, got -1", metrics.fbeta_score, t, p, { beta = -1 })
    fails("classification_report: 2 target_names for 3 labels; name all classes with the option labels",
      metrics.classification_report, t, p, { target_names = { "x", "y" } })
    fails("classification_report: digits must be a whole number from 0 to 99, got -1",
      metrics.classification_report, t, p, { digits = -1 })
    fails("confusion_matrix: none of the labels occurs in y_true", metrics.confusion_matrix, t, p, { labels = { "z" } })
    fails("confusion_matrix: labels is empty", metrics.confusion_matrix, t, p, { labels = {} })
    fails('confusion_matrix: labels holds "a" twice', metrics.confusion_matrix, t, p, { labels = { "a", "a" } })
    fails('confusion_matrix: normalize must be "true", "pred", "all" or false, got true',
      metrics.confusion_matrix, t, p, { normalize = true })
    fails('roc_auc_score: choose multi_class = "ovr" (each class against the rest) or "ovo" (pairs of classes)',
      metrics.roc_auc_score, { 1, 2, 3 }, { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } })
    fails('roc_curve: name the positive class with the option pos_label, one of "a", "b"', metrics.roc_curve,
      { "a", "b" }, { 0.1, 0.9 })
    fails("roc_auc_score: y_score[2] must be a finite number, got nan", metrics.roc_auc_score, { 0, 1 },
      { 0.5, nan })
    fails("log_loss: y_true holds one class only; name all classes with the option labels", metrics.log_loss,
      { "a" }, { { 0.5, 0.5 } })
    fails("log_loss: y_proba has 3 columns for 2 classes; name the class of each column with the option labels",
      metrics.log_loss, { "a", "b" }, { { 0.5, 0.25, 0.25 }, { 0.5, 0.25, 0.25 } })
    fails("log_loss: y_proba must be probabilities from 0 to 1, got 1.5", metrics.log_loss, { 0, 1 }, { 1.5, 0 })
    fails("log_loss: y_proba must have rows of the same length, but row 2 has 1 and row 1 has 2", metrics.log_loss,
      { 0, 1 }, { { 0.5, 0.5 }, { 1 } })
    fails("auc: x must rise or fall throughout", metrics.auc, { 0, 2, 1 }, { 0, 1, 1 })
  end)
end)
