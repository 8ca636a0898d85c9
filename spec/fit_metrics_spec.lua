-- Metrics over batches against Keras (spec/golden/make_fit_metrics.py), and in the logs of a training.
local lubdub = require "lubdub"
local golden = require("support.json")("fit_metrics.json")
local tensor = require "support.golden_tensor"

local Tensor, metrics, layers = lubdub.Tensor, lubdub.metrics, lubdub.layers

local data = {}
for kind, batches in pairs(golden.data) do
  data[kind] = {}
  for i, batch in ipairs(batches) do data[kind][i] = { tensor(batch.y), tensor(batch.p), tensor(batch.w) } end
end

local function same(expected, got, where)
  if type(expected) == "table" then
    assert.equal(#expected, #got, where)
    for i, value in ipairs(expected) do assert.near(value, got[i], 2e-6, where .. ", class " .. i) end
  else
    assert.near(expected, got, 2e-6 * math.max(1, math.abs(expected)), where)
  end
end

local function title(case)
  local parts = {}
  for name, value in pairs(case.config) do
    if type(value) == "table" then value = "{" .. table.concat(value, ", ") .. "}" end
    parts[#parts + 1] = name .. " = " .. tostring(value)
  end
  table.sort(parts)
  return ("%s { %s } of %s"):format(case.kind, table.concat(parts, ", "), case.data)
end

describe("metrics over batches", function()
  for _, case in ipairs(golden.cases) do
    it("are Keras': " .. title(case), function()
      local metric = metrics[case.kind](case.config)
      for _, weighted in ipairs { false, true } do
        metric:reset_state()
        for i, batch in ipairs(data[case.data]) do
          metric:update_state(batch[1], batch[2], weighted and batch[3] or nil)
          same(case[weighted and "weighted" or "plain"][i], metric:result(), "batch " .. i)
        end
      end
    end)
  end

  it("begin with 0", function()
    for kind, new in pairs(require("lubdub.fit_metrics").classes) do
      local given = kind == "F1Score" and { average = "macro" } or kind == "FBetaScore" and { average = "macro" } or {}
      assert.equal(0, new(given):result(), kind)
    end
  end)

  it("are called, print and give their options", function()
    local auc = metrics.AUC { curve = "PR" }
    assert.near(1, auc(Tensor { { 0 }, { 1 } }, Tensor { { 0.2 }, { 0.7 } }), 1e-6)
    assert.equal("AUC(curve = \"PR\")", tostring(auc))
    local at_two = metrics.AUC { thresholds = { 0.5, 0.25 } }
    assert.equal("AUC(num_thresholds = 4, thresholds = {0.25, 0.5})", tostring(at_two))
    assert.same({ name = "recall", thresholds = false, top_k = 2, class_id = false },
      metrics.Recall { top_k = 2 }:config())
  end)

  it("say what is wrong", function()
    local function wrong(message, f, ...)
      local ok, got = pcall(f, ...)
      assert.is_false(ok)
      assert.matches(message, got)
    end
    local y, p = Tensor { 1, 2 }, Tensor { { 0.1, 0.9 }, { 0.2, 0.8 } }
    wrong("Precision: thresholds must be one number from 0 to 1, got 2", metrics.Precision, { thresholds = 2 })
    wrong("Recall: class_id must be a whole number of at least 1, got 0", metrics.Recall, { class_id = 0 })
    wrong("AUC: curve must be", metrics.AUC, { curve = "pr" })
    wrong("AUC: num_thresholds must be", metrics.AUC, { num_thresholds = 1 })
    wrong("AUC: summation_method must be", metrics.AUC, { summation_method = "trapezoid" })
    wrong("F1Score: average must be", metrics.F1Score, { average = "binary" })
    wrong("FBetaScore: beta must be above 0", metrics.FBetaScore, { beta = 0 })
    wrong("k must be a whole number of at least 1", metrics.TopKCategoricalAccuracy, { k = 0 })
    wrong("AUC: thresholds must be a list", metrics.AUC, { thresholds = 0.5 })
    wrong("AUC: thresholds must be numbers from 0 to 1", metrics.AUC, { thresholds = { 0.5, 2 } })
    wrong("AUC: thresholds must be at least one", metrics.AUC, { thresholds = {} })
    local precision = metrics.Precision()
    wrong("precision: targets must be like the outputs, %(2, 2%), got %(2,%); lubdub.to_categorical",
      precision.update_state, precision, y, p)
    local recall = metrics.Recall { class_id = 3 }
    wrong("class_id must be from 1 to 2, got 3", recall.update_state, recall, p, p)
    local accuracy = metrics.Accuracy()
    wrong("classes are counted from 1 to 2, got 3", accuracy.update_state, accuracy, y + 1, p)
  end)
end)

describe("metrics of a training", function()
  local x = Tensor.randn { 30, 4, seed = 1 }
  local classes = {}
  for i = 1, 30 do classes[i] = i * 7 % 3 + 1 end
  local y = lubdub.to_categorical(classes, 3)

  local function net(given, units)
    local model = lubdub.Sequential { layers.Input { 4 },
      layers.Dense { units = units or 3, activation = units and "sigmoid" or "softmax" }, seed = 2 }
    given.optimizer, given.loss = "sgd", given.loss or "categorical_crossentropy"
    model:compile(given)
    return model
  end

  it("stand in the logs under their names, in order, and are those of all rows", function()
    local model = net { metrics = { "accuracy", metrics.TopKCategoricalAccuracy { k = 2, name = "top_2" }, "AUC",
      "precision", metrics.Precision { class_id = 2 }, metrics.F1Score { average = "macro" }, "mse" } }
    local names = { "accuracy", "top_2", "AUC", "precision", "precision_1", "f1_score", "mse" }
    assert.same(names, model.metrics)
    local history = model:fit(x, y, { epochs = 2, batch_size = 7, verbose = 0, validation_data = { x, y } }).history
    local result, outputs = model:evaluate(x, y, { batch_size = 4, verbose = 0 }), model:predict(x)
    local kinds = { "CategoricalAccuracy", "TopKCategoricalAccuracy", "AUC", "Precision", "Precision", "F1Score",
      "MeanSquaredError" }
    local options = { {}, { k = 2 }, {}, {}, { class_id = 2 }, { average = "macro" }, {} }
    for i, name in ipairs(names) do
      local expected = metrics[kinds[i]](options[i])(y, outputs)
      assert.near(expected, result[name], 1e-7, name)
      assert.near(expected, history["val_" .. name][2], 1e-7, name)
      assert.near(expected, result[i + 1], 1e-7)
      assert.equal(2, #history[name])
    end
  end)

  it("see no weights, but for weighted_metrics", function()
    local w = Tensor.rand { 30, seed = 4 }
    local model = net { metrics = { "accuracy" },
      weighted_metrics = { "accuracy", "mse", mine = function() return 3 end } }
    assert.same({ "accuracy", "weighted_accuracy", "mse", "mine" }, model.metrics)
    local result, outputs = model:evaluate(x, y, { sample_weight = w, batch_size = 8, verbose = 0 }), model:predict(x)
    assert.near(metrics.CategoricalAccuracy()(y, outputs), result.accuracy, 1e-7)
    assert.near(metrics.CategoricalAccuracy()(y, outputs, w), result.weighted_accuracy, 1e-6)
    assert.near(metrics.MeanSquaredError()(y, outputs, w), result.mse, 1e-6)
    assert.equal(3, result.mine)
    assert.is_true(math.abs(result.accuracy - result.weighted_accuracy) > 1e-4)
    local weighted = { [1] = 2, [2] = 0.5 }
    local rows = {}
    for i, class in ipairs(classes) do rows[i] = weighted[class] or 1 end
    local first = model:train_on_batch(x, y, { class_weight = weighted })
    assert.near(metrics.CategoricalAccuracy()(y, outputs, Tensor(rows)), first.weighted_accuracy, 1e-6)
  end)

  it("choose accuracy by shape", function()
    local yes = y:slice(2, 1, 1)
    local model = net({ loss = "binary_crossentropy", metrics = { "acc", "binary_accuracy" } }, 1)
    local result, outputs = model:evaluate(x, yes, { verbose = 0 }), model:predict(x)
    assert.near(metrics.BinaryAccuracy()(yes, outputs), result.acc, 1e-7)
    assert.equal(result.acc, result.binary_accuracy)
    model = net { loss = "sparse_categorical_crossentropy",
      metrics = { "accuracy", "sparse_top_k_categorical_accuracy" } }
    result, outputs = model:evaluate(x, Tensor(classes), { verbose = 0 }), model:predict(x)
    assert.near(metrics.CategoricalAccuracy()(y, outputs), result.accuracy, 1e-7)
    assert.equal(1, result.sparse_top_k_categorical_accuracy)
  end)

  it("tell callbacks which way is better", function()
    local stopping = lubdub.callbacks.EarlyStopping { monitor = "val_mae" }
    stopping:set_model(net { metrics = { "mae", "auc" } })
    stopping:on_train_begin()
    assert.equal(-1, stopping.direction)
    stopping = lubdub.callbacks.EarlyStopping { monitor = "auc" }
    stopping:set_model(net { metrics = { "mae", "auc" } })
    stopping:on_train_begin()
    assert.equal(1, stopping.direction)
  end)

  it("are told apart where they are given wrongly", function()
    local function wrong(list, message)
      assert.error_matches(function() net { metrics = list } end, message)
    end
    wrong({ "f1_score" }, "f1_score gives one number per class, .*metrics.F1Score { average = \"macro\" }")
    wrong({ metrics.F1Score() }, "F1Score without an average")
    wrong({ function() end }, "a metric that is a function needs a name")
    wrong(metrics.AUC(), "metrics must be a list such as .*, got a metric")
    wrong({ "aucc" }, "metric aucc is not known; there are acc, accuracy, auc, ")
    assert.error_matches(function() net { weighted_metrics = "accuracy" } end, "weighted_metrics must be a list")
  end)
end)
