local lubdub = require "lubdub"
local raises = require "support.raises"
local warned = require "support.warned"

local Dataset, Tensor, split = lubdub.Dataset, lubdub.Tensor, lubdub.split

-- A data set whose features are the number of the row, and noise; 6 patients, 3 classes of unequal size.
local N = 48
local function make(given)
  local rows, x = {}, {}
  local rng = lubdub.random.RandomState(7)
  for i = 1, N do
    local label = i % 12 == 0 and "rare" or i % 3 == 0 and "some" or "many"
    rows[i] = { name = "clip " .. i, label = label, patient = "p" .. (i - 1) // 6, duration = 3 }
    x[i] = { i, rng:random_sample(), rng:random_sample() * 5 + 10 }
  end
  local base = { data = Dataset(rows), features = Tensor(x), seed = 1, progress = false }
  for name, value in pairs(given or {}) do base[name] = value end
  return base, rows
end

-- A model that writes down what it is shown, and predicts its own number with the first class's probability.
local function witness(log, classes)
  return function(params, fold)
    local model = { fold = fold, params = params }
    function model.fit(_, x, y, options)
      model.x, model.y, model.options = x, y, options
      return { epoch = { 1, 2 } }
    end
    function model.predict(_, x)
      model.tested = x
      local rows = {}
      for i = 1, x:shape(1) do
        rows[i] = {}
        for c = 1, classes or 3 do rows[i][c] = c == 1 and 0.5 or 0.5 / ((classes or 3) - 1) end
      end
      return Tensor(rows)
    end
    log[#log + 1] = model
    return model
  end
end

local function firsts(x)
  local list = {}
  for i, row in ipairs(x:totable()) do list[i] = math.tointeger(row[1]) end
  return list
end

local function set(list)
  local result = {}
  for _, value in ipairs(list) do result[value] = true end
  return result
end

describe("cross_validate", function()
  local said = warned(before_each, after_each)

  it("shows no model a row, or a patient, that it is tested on", function()
    local log = {}
    local given, rows = make { model = witness(log), folds = split.StratifiedGroupKFold { n_splits = 4 } }
    local result = lubdub.cross_validate(given)
    assert.equal(4, #log)
    local tested = {}
    for _, model in ipairs(log) do
      local patients = {}
      for _, i in ipairs(firsts(model.x)) do patients[rows[i].patient] = true end
      for _, i in ipairs(firsts(model.tested)) do
        assert.is_nil(patients[rows[i].patient])
        assert.is_nil(tested[i])
        tested[i] = true
      end
    end
    for i = 1, N do assert.is_true(tested[i]) end
    assert.same({}, said)
    assert.equal(N, #result.y)
    assert.same({ "many", "rare", "some" }, result.labels)
    assert.same({ N, 3 }, result.probabilities:shape())
    assert.equal("many", result.predicted[N])
    assert.same({ 2, 2, 2, 2 }, result.table.epochs)
    assert.equal(given.data, result.data)
  end)

  it("keeps windows of one recording together, and warns where a splitter does not", function()
    local rows = {}
    for i = 1, 8 do
      rows[i] = { name = "r" .. i, label = i % 2 == 0 and "a" or "b", audio = Tensor.zeros { 600 }, samplerate = 100 }
    end
    local windows = Dataset(rows):windows { size = 2 }
    local x = {}
    for i = 1, #windows do x[i] = { i } end
    local log = {}
    local given = { data = windows, features = Tensor(x), model = witness(log, 2), folds = 4, seed = 2,
      progress = false, validation = 0.3 }
    lubdub.cross_validate(given)
    for _, model in ipairs(log) do
      local side = {}
      local function see(list, name)
        for _, i in ipairs(list) do
          local recording = windows[i].recording
          assert.is_true(side[recording] == nil or side[recording] == name)
          side[recording] = name
        end
      end
      see(firsts(model.x), "train")
      see(firsts(model.options.validation_data[1]), "watch")
      see(firsts(model.tested), "test")
    end
    assert.same({}, said)
    given.folds = split.KFold { n_splits = 5 }
    given.validation = nil
    lubdub.cross_validate(given)
    assert.matches('^cross_validate: %d of 8 groups %(column "group"%) have rows on both sides', said[1])
    assert.equal(1, #said, said[2])
  end)

  it("fits the scaler, and draws again, on training rows only", function()
    local log = {}
    local given, rows = make { model = witness(log), folds = 3, scaler = true, resample = "over",
      fit = { class_weight = "balanced" } }
    local result = lubdub.cross_validate(given)
    for k, fold in ipairs(result.folds) do
      local learn, model = given.features:take(fold.learn), log[k]
      local own = lubdub.StandardScaler():fit(learn)
      assert.same(own.mean:totable(), fold.scaler.mean:totable())
      assert.same(own:transform(given.features:take(fold.test)):totable(), model.tested:totable())
      -- every class as often as the most frequent one, from training rows
      local counts, there, back = {}, set(fold.train), own:inverse_transform(model.x)
      for _, row in ipairs(back:totable()) do
        local i = math.floor(row[1] + 0.5)
        assert.is_true(there[i])
        counts[rows[i].label] = (counts[rows[i].label] or 0) + 1
      end
      assert.equal(counts.many, counts.rare)
      assert.equal(counts.many, counts.some)
      for _, weight in pairs(model.options.class_weight) do assert.equal(1, weight) end
      assert.equal(#fold.test, model.tested:shape(1))
    end
    lubdub.cross_validate(make { model = witness(log), folds = 3, resample = function(labels) return { #labels } end })
    assert.equal(1, log[#log].x:shape(1))
  end)

  it("gives means, Student's interval, and metrics by scikit-learn's names", function()
    local names = { "accuracy", "balanced_accuracy", "f1_macro", "f1_weighted", "matthews_corrcoef", "neg_log_loss",
      "roc_auc_ovr", "precision_micro", "recall_macro", rows = function(y) return #y end }
    local result = lubdub.cross_validate(make { model = witness {}, folds = 4, metrics = names })
    local sum, squares, list = 0, 0, result.scores.accuracy
    for _, value in ipairs(list) do sum = sum + value end
    for _, value in ipairs(list) do squares = squares + (value - sum / 4) ^ 2 end
    local half = 3.182446305284263 * math.sqrt(squares / 3) / 2
    local mean, low, high = result:interval "accuracy"
    assert.is_true(math.abs(mean - sum / 4) < 1e-12)
    assert.is_true(math.abs(low - (mean - half)) < 1e-9 and math.abs(high - (mean + half)) < 1e-9)
    for k, fold in ipairs(result.folds) do
      assert.equal(lubdub.metrics.accuracy_score(fold.y, fold.predicted), list[k])
      assert.is_true(math.abs(lubdub.metrics.balanced_accuracy_score(fold.y, fold.predicted)
        - result.scores.balanced_accuracy[k]) < 1e-12)
      assert.equal(#fold.test, result.scores.rows[k])
    end
    assert.equal(N, result.pooled.rows)
    assert.equal(lubdub.metrics.accuracy_score(result.y, result.predicted), result.pooled.accuracy)
    assert.matches("^cross_validate: 48 rows, 3 classes, StratifiedGroupKFold", tostring(result))
    assert.matches("fold  train  test  epochs  accuracy", tostring(result))
    assert.matches("mean ± 3.182 sd / √4: Student's t", tostring(result), 1, true)
    raises(function() result:interval "x" end, 'no score "x"')
  end)

  it("takes tensors, numbers for labels, and folds of one's own", function()
    local x, y, one_hot = {}, {}, {}
    for i = 1, 12 do
      x[i], y[i] = { i }, i % 2 == 0 and 7 or 5
      one_hot[i] = i % 2 == 0 and { 0, 1 } or { 1, 0 }
    end
    local log = {}
    local given = { x = Tensor(x), y = y, model = witness(log, 2), folds = 3, progress = false, seed = 1 }
    local result = lubdub.cross_validate(given)
    assert.same({ 5, 7 }, result.labels)
    assert.same(y, result.y)
    assert.matches("StratifiedKFold", result.splitter)
    given.y = Tensor(one_hot)
    assert.same({ 1, 2 }, lubdub.cross_validate(given).labels)
    given.labels = { "odd", "even" }
    assert.same({ "odd", "even" }, lubdub.cross_validate(given).labels)
    given.y, given.labels = Tensor { 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1 }, nil
    assert.same({ 0, 1 }, lubdub.cross_validate(given).labels)
    given.folds = { { { 1, 2, 3, 4 }, { 5, 6 } }, { train = { 1, 2 }, test = { 6, 7 } } }
    result = lubdub.cross_validate(given)
    assert.same({ 5, 6, 7 }, result.tested)
    assert.is_false(result.predicted[1])
    local first = result.probabilities[1]:totable()[1]
    assert.is_true(first ~= first)
    assert.same({}, said)
    given.groups = { 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3 }
    given.folds = split.KFold { n_splits = 2 }
    lubdub.cross_validate(given)
    assert.matches('1 of 3 groups %(column "groups"%)', said[1])
  end)

  it("says which class a fold cannot learn", function()
    local rows, x = {}, {}
    for i = 1, 8 do rows[i], x[i] = { label = i == 8 and "c" or i % 2 == 0 and "a" or "b" }, { i } end
    local log = {}
    local result = lubdub.cross_validate { data = Dataset(rows), features = Tensor(x), model = witness(log),
      folds = split.KFold { n_splits = 4 }, seed = 1, progress = false, fit = { class_weight = "balanced" } }
    assert.same({ "cross_validate: fold 4 has no row of class c to train on" }, said)
    assert.equal(3, #result.labels)
    assert.is_nil(log[4].options.class_weight[3])
  end)

  it("refuses what cannot be meant", function()
    local function fails(more, ...)
      local given = make { model = witness {} }
      for name, value in pairs(more) do given[name] = value ~= "nil" and value or nil end
      raises(function() lubdub.cross_validate(given) end, ...)
    end
    fails({ model = "nil" }, "cross_validate: model must be a function that gives a new compiled model, got nil")
    fails({ model = function() return 3 end }, "a function that gives a new compiled model, it gave number")
    local only = witness {}({}, {})
    fails({ model = function() return only end }, "model gave the same model twice")
    fails({ data = "nil", features = "nil" }, "give data = a data set and features = a plan, or x =")
    fails({ features = "nil" }, "say what the model sees: features = lubdub.MFCC")
    fails({ features = Tensor.zeros { 3, 2 } }, "x has 3 rows, and there are 48 labels")
    fails({ data = Dataset {} }, "the data set is empty")
    fails({ data = { 1 } }, "data must be a data set, got table")
    fails({ label = "diagnosis" }, 'cross_validate: label: no column "diagnosis"')
    fails({ groups = "visit" }, 'cross_validate: groups: no column "visit"')
    fails({ groups = { 1, 2 } }, "groups is missing for row 3 of 48")
    fails({ folds = 9 }, "9 folds need as many groups, there are 8")
    fails({ folds = "five" }, "folds must be a splitter such as lubdub.split.KFold")
    fails({ folds = { { { 1 }, { 1 } } } }, "fold 1 has row 1 on both sides")
    fails({ folds = { { { 1 }, { 99 } } } }, "fold 1 has row 99, there are 48")
    fails({ folds = { { { 1 }, {} } } }, "fold 1 must be { train, test }, two lists of rows")
    fails({ metrics = { "acuracy" } }, "there is no metric 'acuracy'; did you mean 'accuracy'?")
    fails({ metrics = {} }, "metrics is empty")
    fails({ metrics = { x = function() return "y" end } }, "the metric x must give a number, got string")
    fails({ fit = { validation_data = {} } }, "validation = 0.2 takes a part of the training rows")
    fails({ fit = 3 }, "fit must be a table or a function, got number")
    fails({ validation = 2 }, "validation must be a share of the training rows")
    fails({ resample = "both" }, 'resample must be "over", "under"')
    fails({ scaler = "standard" }, "scaler must be true, options of lubdub.StandardScaler")
    fails({ seed = "x" }, "seed must be a whole number")
    fails({ flods = 3 }, "unknown option 'flods'; did you mean 'folds'?")
    fails({ labels = { "many", "some" } }, 'unknown label "rare"')
    fails({ y = { 1 } }, 'y comes from the data set\'s column "label"')
    local function logits() return { fit = function() end, predict = function(_, x) return x + 100 end } end
    fails({ model = logits }, "is no probability; its last layer needs softmax or sigmoid")
    local x = Tensor { { 1 }, { 2 } }
    raises(function() lubdub.cross_validate { x = x, y = { "a", "a" }, model = witness {} } end,
      "there is one class only, a")
    raises(function() lubdub.cross_validate { x = x, y = Tensor { 0.5, 1 }, model = witness {} } end,
      "y has 0.5 in row 1; labels must be classes")
  end)

  -- Real networks on a task that they can learn.
  local function task()
    local rng, x, y, groups = lubdub.random.RandomState(3), {}, {}, {}
    for i = 1, 60 do
      local class = i % 2
      x[i] = { class * 2 - 1 + rng:random_sample() * 0.5, rng:random_sample() }
      y[i], groups[i] = class == 1 and "b" or "a", "g" .. i // 4
    end
    return Tensor(x), y, groups
  end

  local function network(units, activation, loss)
    return function(params, fold)
      local model = lubdub.Sequential { lubdub.layers.Input(fold.input_shape),
        lubdub.layers.Dense { units = params.hidden or 4, activation = "relu" },
        lubdub.layers.Dense { units = units, activation = activation } }
      model:compile { optimizer = lubdub.optimizers.Adam { learning_rate = params.rate or 0.05 }, loss = loss }
      return model
    end
  end

  it("trains networks of one output, of two, and with class numbers; the same for the same seed", function()
    local x, y, groups = task()
    local function run(seed, ...)
      return lubdub.cross_validate { x = x, y = y, groups = groups, model = network(...), folds = 3, seed = seed,
        fit = { epochs = 15, batch_size = 8, class_weight = "balanced" }, scaler = true, progress = false }
    end
    lubdub.set_seed(5)
    local untouched = require("lubdub.seed").next()
    lubdub.set_seed(5)
    local two = run(1, 2, "softmax", "categorical_crossentropy")
    assert.equal(untouched, require("lubdub.seed").next())
    local again = run(1, 2, "softmax", "categorical_crossentropy")
    assert.same(two.probabilities:totable(), again.probabilities:totable())
    assert.not_same(two.probabilities:totable(),
      run(2, 2, "softmax", "categorical_crossentropy").probabilities:totable())
    assert.is_true(two.pooled.accuracy > 0.95)
    assert.is_true(run(1, 1, "sigmoid", "binary_crossentropy").pooled.accuracy > 0.95)
    assert.is_true(run(1, 2, "softmax", "sparse_categorical_crossentropy").pooled.accuracy > 0.95)
    assert.equal(3, #two.histories)
    assert.equal(15, #two.histories[1].history.loss)
    raises(function() run(1, 3, "softmax", "categorical_crossentropy") end, "there are 2 classes")
    local watched = lubdub.cross_validate { x = x, y = y, groups = groups, folds = 3, seed = 1, validation = 0.25,
      model = network(2, "softmax", "categorical_crossentropy"), keep_models = true, progress = false,
      fit = { epochs = 50, callbacks = function()
        return { lubdub.callbacks.EarlyStopping { patience = 1 } }
      end } }
    assert.is_true(watched.histories[1].history.val_loss ~= nil)
    assert.equal(2, #watched.folds[1].model.layers)
  end)

  it("augments training rows only", function()
    local hearts = lubdub.datasets.hearts { n = 24, seed = 2 }
    local given = { data = hearts, features = lubdub.MFCC { sr = 4000, n_mfcc = 6, n_mels = 12, n_fft = 256 },
      extract = { duration = 2, progress = false }, folds = 2, seed = 1, scaler = true, progress = false,
      fit = { epochs = 2, batch_size = 8 }, augment = { lubdub.augment.add_noise { snr_db = 20 } },
      model = function(_, fold)
        local model = lubdub.Sequential { lubdub.layers.Input(fold.input_shape), lubdub.layers.Flatten(),
          lubdub.layers.Dense { units = #fold.labels, activation = "softmax" } }
        model:compile { optimizer = "adam", loss = "categorical_crossentropy" }
        return model
      end }
    local result = lubdub.cross_validate(given)
    assert.equal(2, #result.histories[1].history.loss)
    -- no augmentation at all, from the sounds: the numbers of the tensors, scaled by the same scaler
    given.augment, given.fit.shuffle = { shuffle = false }, false
    local from_sound = lubdub.cross_validate(given).probabilities:totable()
    given.augment = false
    assert.same(lubdub.cross_validate(given).probabilities:totable(), from_sound)
    given.augment = function(part)
      assert.equal(#part.rows, #part.data)
      assert.equal(#part.rows, part.x:shape(1))
      return require("lubdub.batches").of_tensors(part.x, part.y, nil, { batch_size = 4 })
    end
    assert.equal(24, #lubdub.cross_validate(given).y)
  end)

  describe("search", function()
    it("tries the grid over the same folds, and sorts by the score", function()
      local x, y, groups = task()
      local seen = {}
      local found = lubdub.grid_search { x = x, y = y, groups = groups, folds = 3, seed = 1, progress = false,
        grid = { rate = { 1e-6, 0.05 }, hidden = { 2, 6 } }, fit = { epochs = 12, batch_size = 8 },
        model = function(params, fold)
          seen[#seen + 1] = ("%d %g %d"):format(params.hidden, params.rate, fold.seed)
          return network(2, "softmax", "categorical_crossentropy")(params, fold)
        end }
      assert.equal(12, #seen)
      for k = 1, 3 do -- every combination meets the same seeds
        assert.equal(seen[k]:match "%d+$", seen[k + 9]:match "%d+$")
      end
      assert.matches("^2 1e%-06", seen[1])
      assert.matches("^2 0.05", seen[4])
      assert.matches("^6 1e%-06", seen[7])
      assert.equal(0.05, found.best_params.rate)
      assert.equal(found.table[1].mean, found.best_score)
      local before = math.huge
      for i, row in ipairs(found.table) do
        assert.is_true(row.mean <= before)
        assert.equal(i > 1 and row.mean == before and found.table[i - 1].rank or i, row.rank)
        before = row.mean
      end
      assert.matches("^grid_search: 4 combinations, 3 folds %(StratifiedGroupKFold.-by accuracy.-\nrank  hidden +rate",
        tostring(found))
      for k, fold in ipairs(found.runs[1].folds) do assert.same(fold.test, found.runs[4].folds[k].test) end
    end)

    it("draws combinations as ParameterSampler does", function()
      local log = {}
      local given = make { model = witness(log), folds = 2, n_iter = 3, scoring = "f1_macro",
        distributions = { a = { 1, 2, 3 }, b = { "x", "y" } } }
      local found = lubdub.random_search(given)
      local expected = require("lubdub.validation.grid").ParameterSampler(given.distributions, 3, 1)
      for i, params in ipairs(expected) do assert.same(params, log[2 * i].params) end
      assert.equal("f1_macro", found.scoring)
      assert.equal(1, found.table[3].rank) -- all alike
    end)

    it("stays within the training rows when it is nested", function()
      local log = {}
      local given = make { model = witness(log), folds = 3, search = { grid = { a = { 1, 2 } }, folds = 2 } }
      local result = lubdub.cross_validate(given)
      assert.equal(3 * (2 * 2 + 1), #log)
      for k, fold in ipairs(result.folds) do
        local test = set(fold.test)
        for j = (k - 1) * 5 + 1, k * 5 do
          for _, i in ipairs(firsts(log[j].x)) do assert.is_nil(test[i]) end
          if j < k * 5 then
            for _, i in ipairs(firsts(log[j].tested)) do assert.is_nil(test[i]) end
          end
        end
        assert.same({ a = 1 }, fold.params)
        assert.equal("a = 1", result.table[k].params)
      end
    end)

    it("refuses what is no search", function()
      local function fails(more, ...)
        local given = make { model = witness {} }
        for name, value in pairs(more) do given[name] = value end
        raises(function() lubdub.grid_search(given) end, ...)
      end
      fails({}, "grid_search: say what to try: grid = { name = { values } }")
      fails({ grid = { a = 1 } }, "grid_search: a must be a list of values, got number")
      fails({ grid = { mean = { 1 } } }, "mean cannot be the name of an option")
      fails({ grid = { a = { 1 } }, scoring = "acuracy" }, "there is no metric 'acuracy'")
      raises(function() lubdub.cross_validate(make { model = witness {}, search = { gird = {} } }) end,
        "cross_validate: search: unknown option 'gird'")
      local none = make { model = witness {}, distributions = { a = { 1 } }, n_iter = 0 }
      raises(function() lubdub.random_search(none) end, "n_iter must be a whole number from 1, got 0")
    end)
  end)
end)
