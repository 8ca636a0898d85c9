local Tensor = require("lubdub").Tensor
local json = require "dkjson"
local metrics = require "lubdub.metrics"
local warning = require "lubdub.warning"

local nan = 0 / 0

local function golden()
  local file <close> = assert(io.open "spec/golden/metrics_more.json")
  return assert(json.decode(file:read "a", 1, false))
end

local function near(expected, got, path, tolerance)
  if type(expected) == "table" then
    assert.are.equal(#expected, #got, path .. ": length")
    for i, value in ipairs(expected) do near(value, got[i], path .. "[" .. i .. "]", tolerance) end
    return
  end
  local limit = (tolerance or 1e-12) * math.max(math.abs(expected), tolerance and 1e-300 or 1)
  assert(type(got) == "number" and math.abs(got - expected) <= limit,
    ("%s: expected %.17g, got %s"):format(path, expected, tostring(got)))
end

local function fails(message, f, ...)
  local arguments = table.pack(...)
  local ok, got = pcall(function() f(table.unpack(arguments, 1, arguments.n)) end)
  assert.is_false(ok)
  assert(got:find "^spec/metrics_more_spec.lua:%d+: ", got)
  assert.are.equal(message, (got:gsub("^spec/metrics_more_spec.lua:%d+: ", "")))
end

describe("lubdub.metrics beyond labels", function()
  local values, said = golden(), nil

  before_each(function()
    said = {}
    warning.on_warning(function(message) said[#said + 1] = message end)
  end)
  after_each(function() warning.on_warning(nil) end)

  it("bins probabilities as scikit-learn's calibration_curve", function()
    for n, case in ipairs(values.calibration) do
      local shares, means, counts = metrics.calibration_curve(case["true"], case.prob,
        { n_bins = case.bins, strategy = case.strategy, pos_label = case.pos })
      near(case.result, { shares, means }, "calibration " .. n)
      local all = 0
      for _, count in ipairs(counts) do all = all + count end
      assert.are.equal(#case["true"], all)
    end
  end)

  it("finds the true class among k as scikit-learn", function()
    for n, case in ipairs(values.top_k) do
      local o = { k = case.k, labels = case.labels, sample_weight = case.weights }
      near(case.share, metrics.top_k_accuracy_score(case["true"], case.scores, o), "top k " .. n)
      o.normalize = false
      near(case.count, metrics.top_k_accuracy_score(case["true"], case.scores, o), "top k count " .. n)
    end
    assert.truthy(said[1]:find("always right", 1, true))
  end)

  it("scores as the challenges do", function()
    for n, case in ipairs(values.challenge) do
      if case.kind == "circor" then
        near(case.score, metrics.circor_weighted_accuracy(case["true"], case.pred), "circor " .. n)
      else
        near(case.score, { metrics.physionet2016_score(case["true"], case.pred, { quality = case.good }) },
          "physionet " .. n)
      end
    end
    assert.are.equal(8 / 9, metrics.circor_weighted_accuracy({ "present", "unknown", "absent" },
      { "present", "unknown", "present" }))
    assert.are.equal(0.75, metrics.circor_weighted_accuracy({ "a", "b" }, { "a", "a" }, { weights = { a = 3, b = 1 } }))
    assert.are.same({ 0.75, 0.5, 1.0 }, { metrics.physionet2016_score({ 1, 1, -1 }, { 1, 0, -1 }) })
    assert.are.same({ 1.0, 1.0, 1.0 },
      { metrics.physionet2016_score({ 1, 1, -1 }, { 1, 0, 0 }, { quality = { 1, 0, "poor" } }) })
    local score = metrics.physionet2016_score({ 1 }, { 1 })
    assert(score ~= score)
    assert.are.equal("physionet2016_score: undefined (nan), for y_true holds no -1", said[#said])
  end)

  it("tests two models as statsmodels' mcnemar", function()
    for n, case in ipairs(values.mcnemar) do
      local truth, a, b = {}, {}, {}
      local function add(count, x, y)
        for _ = 1, count do
          truth[#truth + 1], a[#a + 1], b[#b + 1] = "s", x, y
        end
      end
      add(5, "s", "s")
      add(case.only_a, "s", "n")
      add(case.only_b, "n", "s")
      add(3, "n", "n")
      for i, o in ipairs { { exact = true }, { exact = false }, { exact = false, correction = false } } do
        local result = metrics.mcnemar(truth, a, b, o)
        near(case.results[i], { result.statistic, result.pvalue }, ("mcnemar %d, %d"):format(n, i), 1e-11)
        assert.are.same({ { 5, case.only_a }, { case.only_b, 3 } }, result.table)
      end
    end
    assert.are.equal(
      "McNemar's test (exact): statistic 1, p = 1; right: both 1, only a 1, only b 1, none 0",
      tostring(metrics.mcnemar({ 1, 1, 1 }, { 1, 1, 0 }, { 1, 0, 1 })))
  end)

  it("resamples groups with NumPy's draws and percentiles", function()
    assert(#values.bootstrap >= 15)
    for n, case in ipairs(values.bootstrap) do
      local function interval(metric, options)
        return metrics.bootstrap(case["true"], case.pred, { metric = metric, options = options, groups = case.groups,
          n_resamples = case.resamples, confidence_level = case.level, seed = case.seed })
      end
      local got = interval "accuracy_score"
      near(case.accuracy, { got.low, got.high, got.standard_error }, "accuracy " .. n)
      assert.are.equal(metrics.accuracy_score(case["true"], case.pred), got.value)
      assert.are.equal(0, got.undefined)
      got = interval("f1_score", { average = "macro", labels = { 0, 1, 2 }, zero_division = 0 })
      near(case.f1, { got.low, got.high, got.standard_error }, "f1 " .. n)
      got = interval("recall_score", { average = false, labels = { 0, 1, 2 }, zero_division = nan })
      for c, expected in ipairs(case.recall) do
        near(expected, { got.low[c], got.high[c], got.standard_error[c], got.undefined[c] }, "recall " .. n)
      end
    end
    assert.are.same({}, said)
  end)

  it("gives an interval that prints, repeats itself, and takes scores", function()
    local t, groups = { 0, 1, 0, 1, 1, 0, 1, 0 }, { "a", "a", "b", "b", "c", "c", "d", "d" }
    local scores = Tensor { 0.1, 0.9, 0.6, 0.4, 0.8, 0.3, 0.7, 0.2 }
    local o = { metric = "roc_auc_score", groups = groups, n_resamples = 50, seed = 3 }
    local one, two = metrics.bootstrap(t, scores, o), metrics.bootstrap(t, scores, o)
    assert.are.same(one, two)
    assert.are.equal(0.9375, one.value)
    assert.are.equal(metrics.bootstrap(t, scores:totable(), o).low, one.low)
    assert(tostring(one):find("^0%.938 %(0%.%d+ to 1%.000%), 95 %%; 50 resamples of 4 groups$"), tostring(one))
    local own = metrics.bootstrap(t, t, { metric = function(a, b) return #a - #b end, n_resamples = 3, seed = 0 })
    assert.are.same({ 0, 0.0, 0.0 }, { own.value, own.low, own.high })
    local classes = metrics.bootstrap({ "x", "y" }, { "x", "x" }, { metric = "recall_score", n_resamples = 9, seed = 1,
      options = { average = false, labels = { "x", "y" }, zero_division = nan } })
    assert(tostring(classes):find("x: 1.000 (1.000 to 1.000)\ny: 0.000 (0.000 to 0.000)\n95 %; 9 resamples of 2 rows",
      1, true), tostring(classes))
    assert(classes.undefined[1] + classes.undefined[2] > 0)
  end)

  it("counts pairs instead of rows where the metric asks no more, and finds the same", function()
    local rng = require("lubdub").random.RandomState(5)
    local classes = { "artifact", "murmur", "normal", "extrahls" }
    local t, p, groups, w = {}, {}, {}, {}
    for i = 1, 40 do
      t[i], p[i] = classes[rng:randint(1, 3)], classes[rng:randint(1, 4)]
      groups[i], w[i] = rng:randint(1, 9), rng:randint(0, 4) / 8
    end
    local cases = {
      { "accuracy_score", {} }, { "accuracy_score", { normalize = false } }, { "balanced_accuracy_score", {} },
      { "balanced_accuracy_score", { adjusted = true } }, { "matthews_corrcoef", {} },
      { "cohen_kappa_score", { weights = "linear" } }, { "precision_score", { average = "micro" } },
      { "recall_score", { average = "weighted", zero_division = nan } },
      { "sensitivity_score", { average = false, labels = classes, zero_division = 0 } },
      { "specificity_score", { average = "macro", labels = { "murmur", "normal" } } },
      { "f1_score", { average = "macro" } }, { "fbeta_score", { beta = 2, average = "macro", zero_division = 1 } },
    }
    for _, case in ipairs(cases) do
      for _, weights in ipairs { false, w } do
        for _, by in ipairs { false, groups } do
          local function interval(metric)
            return metrics.bootstrap(t, p, { metric = metric, options = case[2], groups = by, sample_weight = weights,
              seed = 11, n_resamples = 40 })
          end
          local fast, slow = interval(case[1]), interval(metrics[case[1]])
          for _, name in ipairs { "value", "low", "high", "standard_error", "undefined" } do
            local a, b = fast[name], slow[name]
            near(type(b) == "table" and b or { b }, type(a) == "table" and a or { a }, case[1] .. " " .. name)
          end
        end
      end
    end
  end)

  it("draws sample_weight with the rows, also where it stands among the metric's options", function()
    local t, p, w = { 0, 1, 0, 1, 1 }, { 0.1, 0.9, 0.6, 0.4, 0.8 }, { 3, 1, 0.5, 2, 7 }
    local o = { metric = "log_loss", seed = 1, n_resamples = 20 }
    o.options = { sample_weight = w, labels = { 0, 1 } }
    local one = metrics.bootstrap(t, p, o)
    o.options, o.sample_weight = { labels = { 0, 1 } }, w
    assert.are.same(metrics.bootstrap(t, p, o), one)
  end)

  it("takes false as the positive class of booleans", function()
    local t, s, flipped = { true, false, true, false }, { 0.9, 0.8, 0.3, 0.2 }, { false, true, false, true }
    for _, name in ipairs { "roc_curve", "precision_recall_curve", "average_precision_score", "calibration_curve" } do
      local function of(y, positive) return table.pack(metrics[name](y, s, { pos_label = positive })) end
      assert.are.same(of(flipped, true), of(t, false))
      assert.are_not.same(of(t, true), of(t, false))
    end
  end)

  it("leaves missing classes and rows of weight 0 out of areas as scikit-learn", function()
    local rows = { { 0.4, 0.3, 0.3 }, { 0.2, 0.2, 0.6 }, { 0.3, 0.1, 0.6 }, { 0.5, 0.3, 0.2 } }
    local t, o = { "a", "c", "a", "c" }, { multi_class = "ovo", labels = { "a", "b", "c" } }
    for _, average in ipairs { "macro", "weighted" } do
      o.average = average
      near(0.4375, metrics.roc_auc_score(t, rows, o), average)
    end
    assert.are.same({}, said)
    local one = metrics.roc_auc_score({ "x", "y", "x" }, { 0.6, 0.9, 0.2 }, { sample_weight = { 1, 0, 1 } })
    assert(one ~= one)
    assert.truthy(said[1]:find("one class only", 1, true))
    fails("average_precision_score: y_score has 2 columns for 3 classes", metrics.average_precision_score,
      { "a", "b", "c" }, { { 1, 0 }, { 0, 1 }, { 1, 0 } })
  end)

  it("weights rows of a resample as the rows", function()
    local t, p, w = { 0, 1, 0, 1 }, { 0, 1, 1, 0 }, { 3, 1, 0, 0 }
    assert.are.equal(1, metrics.bootstrap(t, p, { sample_weight = w, seed = 1, n_resamples = 2,
      metric = function(a, b, o)
        return metrics.accuracy_score(a, b, { sample_weight = { o.sample_weight[1] + 1, 1, 0, 0 } }) * 0 + 1
      end }).value)
    local got = metrics.bootstrap(t, p, { sample_weight = w, seed = 1, n_resamples = 20,
      groups = { 1, 1, 2, 2 }, metric = function(a, b, o)
        local right, all = 0, 1e-9
        for i in ipairs(a) do
          all = all + o.sample_weight[i]
          if a[i] == b[i] then right = right + o.sample_weight[i] end
        end
        return right / all
      end })
    assert(math.abs(got.value - 1) < 1e-6 and got.low == 0 and got.high > 0.99)
  end)

  it("goes from windows to recordings to patients", function()
    local p = Tensor { { 0.75, 0.25 }, { 0.125, 0.875 }, { 0.625, 0.375 }, { 0.25, 0.75 }, { 0.5, 0.5 } }
    local recordings, truth = { "r2", "r2", "r2", "r1", "r3" }, { "n", "n", "n", "m", "m" }
    local patients = { "p1", "p1", "p1", "p2", "p2" }
    local one = metrics.aggregate(p, { groups = recordings, y_true = truth, columns = { patient = patients } })
    assert.are.same({ { 0.5, 0.5 }, { 0.25, 0.75 }, { 0.5, 0.5 } }, one.y_pred:totable())
    assert.are.same({ "r2", "r1", "r3" }, one.groups)
    assert.are.same({ 3, 1, 1 }, one.counts)
    assert.are.same({ "n", "m", "m" }, one.y_true)
    assert.are.equal("3 groups of 1 to 3 rows, by mean", tostring(one))
    local two = metrics.aggregate(one.y_pred, { groups = one.patient, y_true = one.y_true })
    assert.are.same({ { 0.5, 0.5 }, { 0.375, 0.625 } }, two.y_pred:totable())
    assert.are.same({ "n", "m" }, two.y_true)
    local votes = metrics.aggregate(p, { groups = recordings, by = "vote" }).y_pred:totable()
    assert(math.abs(votes[1][1] - 2 / 3) < 1e-6 and votes[2][2] == 1 and votes[3][1] == 1)
    assert.are.same({ "b", "a" }, metrics.aggregate({ "a", "b", "b", "b", "a" }, { groups = { 1, 1, 1, 2, 2 } }).y_pred)
    local column = Tensor { { 0.25 }, { 0.75 } }
    assert.are.same({ { 0.5 } }, metrics.aggregate(column, { groups = { 1, 1 } }).y_pred:totable())
  end)

  it("names sensitivity and specificity", function()
    local t, p = { 0, 1, 1, 0, 1 }, { 0, 1, 0, 1, 1 }
    assert.are.equal(metrics.recall_score(t, p), metrics.sensitivity_score(t, p))
    assert.are.equal(0.5, metrics.specificity_score(t, p))
  end)

  it("says what is wrong, at the caller's line", function()
    local m, t = metrics, { 0, 1 }
    fails('calibration_curve: strategy must be "uniform" or "quantile", got "even"', m.calibration_curve, t, { 0, 1 },
      { strategy = "even" })
    fails("calibration_curve: n_bins must be a whole number from 1, got 0", m.calibration_curve, t, { 0, 1 },
      { n_bins = 0 })
    fails("calibration_curve: y_prob[2] must be from 0 to 1, got 1.5", m.calibration_curve, t, { 0, 1.5 })
    fails("calibration_curve: y_true must have two classes, got 3", m.calibration_curve, { 1, 2, 3 }, { 0, 1, 1 },
      { pos_label = 1 })
    fails('calibration_curve: name the positive class with the option pos_label, one of "a", "b"',
      m.calibration_curve, { "a", "b" }, { 0, 1 })
    fails("top_k_accuracy_score: k must be a whole number from 1, got 0", m.top_k_accuracy_score, t, { 0, 1 },
      { k = 0 })
    fails("top_k_accuracy_score: y_score has 3 columns for 2 classes; name the class of each column with the option "
      .. "labels", m.top_k_accuracy_score, t, { { 0, 0, 1 }, { 0, 0, 1 } })
    fails("top_k_accuracy_score: labels must be sorted and without repetition, in the order of the columns",
      m.top_k_accuracy_score, t, { { 0, 1 }, { 0, 1 } }, { labels = { 1, 0 } })
    fails('circor_weighted_accuracy: labels must be "Present", "Unknown", "Absent" (murmur) or "Abnormal", "Normal" '
      .. '(outcome); got "Normal", "Present"', m.circor_weighted_accuracy, { "Present" }, { "Normal" })
    fails('circor_weighted_accuracy: labels must be "Abnormal", "Normal"; got "Present"', m.circor_weighted_accuracy,
      { "Present" }, { "Present" }, { task = "outcome" })
    fails('circor_weighted_accuracy: weights has none for "a"', m.circor_weighted_accuracy, { "a" }, { "a" },
      { weights = { b = 1 } })
    fails('physionet2016_score: y_true[1] must be "abnormal" or "normal", got "murmur"', m.physionet2016_score,
      { "murmur" }, { "normal" })
    fails('physionet2016_score: y_pred[1] must be 1, -1 or 0, got 2', m.physionet2016_score, { 1 }, { 2 })
    fails('physionet2016_score: quality[1] must be "good" or "poor" (1 or 0), got "bad"', m.physionet2016_score,
      { 1 }, { 1 }, { quality = { "bad" } })
    fails('physionet2016_score: quality must be a list of 1 values, "good" or "poor"', m.physionet2016_score,
      { 1 }, { 1 }, { quality = {} })
    fails("mcnemar: y_true, y_pred_a and y_pred_b must have the same length, got 2, 2 and 1", m.mcnemar, t, t, { 1 })
    fails("mcnemar: exact must be true or false, got 1", m.mcnemar, t, t, t, { exact = 1 })
    fails("bootstrap: one group cannot be resampled; at least 2 are needed", m.bootstrap, t, t, { groups = { 1, 1 } })
    fails("bootstrap: groups has 3 entries for 2 rows", m.bootstrap, t, t, { groups = { 1, 1, 2 } })
    fails("bootstrap: groups is missing for row 2 of 2", m.bootstrap, t, t, { groups = { 1 } })
    fails("bootstrap: y_pred must be a list or a tensor, got nil", m.bootstrap, t)
    fails("bootstrap: y_true and y_pred must have the same length, got 2 and 1", m.bootstrap, t, { 1 })
    fails("bootstrap: confidence_level must be between 0 and 1, got 95", m.bootstrap, t, t, { confidence_level = 95 })
    fails("bootstrap: n_resamples must be a whole number from 1, got 1.5", m.bootstrap, t, t, { n_resamples = 1.5 })
    fails("bootstrap: there is no metric 'acuracy_score'; did you mean 'accuracy_score'?", m.bootstrap, t, t,
      { metric = "acuracy_score" })
    fails("bootstrap: the metric must give a number or a list of numbers, got \"x\"", m.bootstrap, t, t,
      { metric = function() return "x" end, n_resamples = 0 + 1 })
    fails("bootstrap: unknown option 'group'; did you mean 'groups'?", m.bootstrap, t, t, { group = t })
    fails("aggregate: the option groups is missing: the group of each row", m.aggregate, t)
    fails("aggregate: unknown option 'group'; did you mean 'groups'?", m.aggregate, t, { group = t })
    fails('aggregate: y_true must be the same for all rows of a group, but group "g" has 1 and 2', m.aggregate, t,
      { groups = { "g", "g" }, y_true = { 1, 2 } })
    fails('aggregate: by must be "mean" or "vote", got "max"', m.aggregate, Tensor { { 1, 0 } },
      { groups = { 1 }, by = "max" })
    fails('aggregate: by = "mean" needs probabilities (n, classes), not labels', m.aggregate, t,
      { groups = t, by = "mean" })
    fails("aggregate: y_pred must be a tensor (n, classes) or a list of labels, got nil", m.aggregate, nil,
      { groups = { 1 } })
    fails("aggregate: a column cannot be named counts", m.aggregate, t, { groups = t, columns = { counts = t } })
  end)
end)
