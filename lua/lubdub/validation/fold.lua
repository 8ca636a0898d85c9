--- One fold: prepare the training rows, train, predict the test rows. Everything that learns from data (scaler,
-- resampling, augmentation, class weights, an inner search, the choice of an epoch) sees training rows only.
-- @module lubdub.validation.fold
local core = require "lubdub.core"
local blame = require "lubdub.blame"
local check = require "lubdub.check"
local grid = require "lubdub.validation.grid"
local labels_of = require "lubdub.labels"
local scores = require "lubdub.validation.scores"
local seeds = require "lubdub.seed"
local split = require "lubdub.split"
local standard_scaler = require "lubdub.standard_scaler"
local warning = require "lubdub.warning"

local Tensor = core.Tensor
local fold = {}

local function pick(list, rows)
  local result = {}
  for i, row in ipairs(rows) do result[i] = list[row] end
  return result
end

-- Training rows in two: to learn from, and to watch (early stopping); groups stay whole, or else classes have shares.
local function watch(problem, train, share, seed)
  if not share then return train, nil end
  local how = { test_size = share, seed = seed }
  if problem.groups then
    how.groups = pick(problem.groups, train)
  else
    local count, enough = {}, true
    for _, row in ipairs(train) do
      local label = problem.labels[row]
      count[label] = (count[label] or 0) + 1
    end
    for _, n in pairs(count) do enough = enough and n >= 2 end
    if enough then how.stratify = pick(problem.labels, train) end
  end
  local rest, held = split.train_test_split(#train, how)
  return pick(train, rest), pick(train, held)
end

local function resampled(o, problem, rows, seed)
  if not o.resample then return rows end
  local labels = pick(problem.labels, rows)
  local at
  if type(o.resample) == "function" then
    at = o.resample(labels, seed)
    if type(at) ~= "table" then blame("resample must give a list of positions, got %s", type(at)) end
  else
    at = require("lubdub.resample")[o.resample](labels, { seed = seed })
  end
  local result = {}
  for i, place in ipairs(at) do
    result[i] = rows[place]
    if not result[i] then blame("resample gave the position %s of %d rows", tostring(place), #rows) end
  end
  return result
end

local function new_scaler(o)
  local wanted = o.scaler
  if not wanted then return nil end
  if wanted == true then return standard_scaler.StandardScaler() end
  if type(wanted) == "function" then return wanted() end
  if standard_scaler.is(wanted) then
    return standard_scaler.StandardScaler { axis = wanted.axes, with_mean = wanted.with_mean,
      with_std = wanted.with_std }
  end
  return standard_scaler.StandardScaler(wanted)
end

-- What the model is trained on: class numbers, a column of 0 and 1, or one-hot rows, as its output and loss ask.
local function targets(problem, model, x, labels)
  local encoder = problem.encoder
  local classes = #encoder.classes
  local target = { classes }
  if type(model.build_for) == "function" and type(model.target_shape) == "function" then
    model:build_for("cross_validate", x)
    target = model:target_shape()
  end
  if #target == 0 then return Tensor(encoder:encode(labels)) end
  if #target == 1 and target[1] == classes then return encoder:to_categorical(labels) end
  if #target == 1 and target[1] == 1 and classes == 2 then
    local column = {}
    for i, class in ipairs(encoder:encode(labels)) do column[i] = { class - 1 } end
    return Tensor(column)
  end
  blame("cross_validate: the model's outputs are %s, and there are %d classes", check.shape_text(target, true), classes)
end

-- Predictions as rows of probabilities, one column for each class.
local function probabilities_of(model, x, classes)
  local outputs = model:predict(x, { verbose = 0 })
  local shape, rows = outputs:shape(), {}
  if #shape ~= 2 or shape[2] ~= classes and not (shape[2] == 1 and classes == 2) then
    blame("cross_validate: the model's outputs are %s, and there are %d classes", check.shape_text(shape), classes)
  end
  for i, row in ipairs(outputs:totable()) do
    rows[i] = shape[2] == 1 and { 1 - row[1], row[1] } or row
    for _, p in ipairs(row) do
      if not (p >= 0 and p <= 1.000001) then
        blame("cross_validate: the model gave %g, which is no probability; its last layer needs softmax or sigmoid", p)
      end
    end
  end
  return rows
end

local function augmented(o, problem, rows, x, y, scaler, seed)
  if type(o.augment) == "function" then
    return o.augment { data = problem.clips and problem.clips:take(rows), x = x, y = y, rows = rows, scaler = scaler,
      labels = pick(problem.labels, rows), seed = seed }
  end
  local given = {}
  for name, value in pairs(o.augment) do given[name] = value end
  given.batch_size = given.batch_size or o.fit.batch_size or nil
  local source = require("lubdub.augment").source
  if not problem.steps then return source(x, y, given) end
  given.steps = table.move(problem.steps, 1, #problem.steps, 1, {})
  if scaler then table.insert(given.steps, scaler:step()) end
  return source(problem.clips:take(rows), y, given)
end

local function warn_of_missing(problem, rows, k, about)
  local there = {}
  for _, row in ipairs(rows) do there[problem.labels[row]] = true end
  for _, label in ipairs(problem.encoder.classes) do
    if not there[label] then
      warning.warn(("cross_validate: fold %d has no row of class %s to train on"):format(k, tostring(label)), about)
    end
  end
end

-- The options of fit, of one fold: as they are given, or as a function gives them.
local function fit_options(o, params, context)
  local given = o.fit
  if type(given) == "function" then given = given(params, context) end
  local result = {}
  for name, value in pairs(given) do result[name] = value end
  if type(result.callbacks) == "function" then result.callbacks = result.callbacks(params, context) end
  result.verbose = result.verbose or 0
  return result
end

--- @tparam table problem of lubdub.validation.data
-- @tparam table o options of cross_validate, read
-- @tparam integer k number of the fold
-- @tparam table part { train, test }
-- @tparam table params what the model's factory is given
-- @treturn table probabilities (rows of the test part), history, seconds, epochs, scores, params, model, scaler, train,
-- test
function fold.run(problem, o, k, part, params)
  local started, seed = core.clock(), seeds.mix(o.seed, k)
  local scope <close> = seeds.scope(seed) -- luacheck: ignore
  local train, test = part[1], part[2]
  local context = { number = k, seed = seed, train = train, test = test, labels = problem.encoder.classes }
  if o.search then
    local found = o.search(problem, o, train, k, params)
    params, context.search = found.params, found.search
  end
  local learn, held = watch(problem, train, o.validation, seed)
  warn_of_missing(problem, learn, k, problem)
  local scaler = new_scaler(o)
  if scaler then scaler:fit(problem.x:take(learn)) end
  local function features(rows)
    local x = problem.x:take(rows)
    return scaler and scaler:transform(x) or x
  end
  local rows = resampled(o, problem, learn, seed)
  local x = features(rows)
  context.input_shape = table.move(x:shape(), 2, x:ndim(), 1, {})
  local model = o.model(params, context)
  if (type(model) ~= "table" and type(model) ~= "userdata") or not model.fit or not model.predict then
    blame("cross_validate: model must be a function that gives a new compiled model, it gave %s", type(model))
  end
  for _, used in ipairs(o.used_models) do
    if rawequal(used, model) then
      blame "cross_validate: model gave the same model twice; a fold must begin with a new one"
    end
  end
  o.used_models[#o.used_models + 1] = model

  local fit = fit_options(o, params, context)
  fit.seed = fit.seed or seed
  local labels = pick(problem.labels, rows)
  local y = targets(problem, model, x, labels)
  if fit.class_weight == "balanced" then fit.class_weight = labels_of.class_weights(labels, problem.encoder) end
  if held then
    local x_held = features(held)
    fit.validation_data = { x_held, targets(problem, model, x_held, pick(problem.labels, held)) }
  end
  local history
  if o.augment then
    local source = augmented(o, problem, rows, x, y, scaler, seed)
    fit.batch_size = nil
    history = model:fit(source, fit)
  else
    history = model:fit(x, y, fit)
  end
  local classes = problem.encoder.classes
  local probabilities = probabilities_of(model, features(test), #classes)
  local matrix = Tensor(probabilities)
  local predicted, truth = problem.encoder:decode(matrix), pick(problem.labels, test)
  return {
    train = train, test = test, learn = learn, held = held, probabilities = probabilities, history = history,
    predicted = predicted, y = truth, scores = scores.all(o.scores, truth, predicted, matrix, classes),
    epochs = type(history) == "table" and history.epoch and #history.epoch or nil, params = params,
    search = context.search, model = o.keep_models and model or nil, scaler = scaler, seed = seed,
    seconds = core.clock() - started, name = next(params) ~= nil and grid.text(params) or nil,
  }
end

return fold
