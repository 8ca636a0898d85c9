--- Cross-validation: every row is predicted by a model that was trained without it.
--
--    local result = lubdub.cross_validate {
--      data = clips, features = lubdub.MFCC { n_mfcc = 40 }, extract = { duration = 4 },
--      model = function() return new_model() end,               -- compiled, a new one for each fold
--      folds = lubdub.split.StratifiedGroupKFold { n_splits = 5, shuffle = true, seed = 0 },
--      fit = { epochs = 100, batch_size = 32, class_weight = "balanced" },
--      scaler = true, resample = false, seed = 1,
--    }
--    print(result)                        -- a line for each fold, means, 95 % intervals
--    result.probabilities                 -- (n, classes), out of fold
--
-- Whatever learns from data (scaler, resampling, augmentation, class weights, early stopping, a search) sees the
-- training rows of its fold only. Folds and seeds are the same for the same seed, whatever the model.
-- @module lubdub.validation.cross_validate
local blame = require "lubdub.blame"
local core = require "lubdub.core"
local data = require "lubdub.validation.data"
local fold = require "lubdub.validation.fold"
local options = require "lubdub.options"
local progress = require "lubdub.progress"
local result = require "lubdub.validation.result"
local scores = require "lubdub.validation.scores"
local seeds = require "lubdub.seed"

local cross_validate = {}

local known = {
  model = options.none, data = false, features = options.none, extract = false, x = options.none, y = options.none,
  label = "label", labels = false, groups = options.none, folds = 5, fit = {}, scaler = false, resample = false,
  augment = false, validation = false, metrics = { "accuracy", "balanced_accuracy", "f1_macro" }, params = {},
  search = false, seed = options.none, progress = true, keep_models = false,
}

--- Names and defaults of the options, for the searches, which take them too.
cross_validate.known = known

local function check_table(where, name, value, more)
  if type(value) == "table" or more and type(value) == "function" then return end
  blame("%s: %s must be a table%s, got %s", where, name, more and " or a function" or "", type(value))
end

--- Checks what was read.
function cross_validate.check(where, o)
  if type(o.model) ~= "function" then
    blame("%s: model must be a function that gives a new compiled model, got %s", where, type(o.model))
  end
  check_table(where, "fit", o.fit, true)
  check_table(where, "params", o.params)
  if o.extract then check_table(where, "extract", o.extract) end
  if o.augment then check_table(where, "augment", o.augment, true) end
  local resample = o.resample
  if resample and resample ~= "over" and resample ~= "under" and type(resample) ~= "function" then
    blame("%s: resample must be \"over\", \"under\", a function of labels and seed, or false, got %s", where,
      tostring(resample))
  end
  if o.validation and not (math.type(o.validation) == "float" and o.validation > 0 and o.validation < 1) then
    blame("%s: validation must be a share of the training rows, above 0 and below 1, or false, got %s", where,
      tostring(o.validation))
  end
  if type(o.fit) == "table" and (o.fit.validation_data or o.fit.validation_split) then
    blame("%s: fit = { validation_data } would be the same in every fold; validation = 0.2 takes a part of the "
      .. "training rows, by groups", where)
  end
  local scaler_kind = type(o.scaler)
  if scaler_kind ~= "boolean" and scaler_kind ~= "table" and scaler_kind ~= "function" then
    blame("%s: scaler must be true, options of lubdub.StandardScaler, or a function that gives one, got %s", where,
      scaler_kind)
  end
  o.scores = scores.read(where, o.metrics)
  o.seed = o.seed == nil and seeds.next() or seeds.check(where, o.seed)
  return o
end

--- All folds of one model.
-- @tparam table problem of lubdub.validation.data
-- @tparam table o options, checked
-- @tparam table parts folds
-- @tparam string splitter what they are
-- @tparam table params
-- @tparam ?function tick called after each fold
-- @treturn lubdub.CrossValidation
function cross_validate.run(problem, o, parts, splitter, params, tick)
  local started, folds = core.clock(), {}
  o.used_models = setmetatable({}, { __mode = "v" })
  for k, part in ipairs(parts) do
    folds[k] = fold.run(problem, o, k, part, params)
    if tick then tick() end
  end
  return result.new(problem, o.scores, folds, { splitter = splitter, seed = o.seed, params = params,
    seconds = core.clock() - started })
end

--- Trains and tests one model for each fold.
-- @tparam table given
-- `model`: function(params, fold) that gives a new, compiled model (or anything with fit and predict); fold has
-- number, seed, labels, input_shape, train, test;
-- `data` (a data set) with `features` (a plan with options in `extract`, steps, a Tensor, or a function of the data
-- set), or `x` (a tensor) and `y` (labels, or a tensor of class numbers or one-hot rows);
-- `label` ("label"): the column; `labels`: the classes in order; `groups`: a column or a list (default: the column that
-- the data set knows; false: none);
-- `folds` (5): a splitter, a list of { train, test }, or a number: StratifiedGroupKFold with groups, StratifiedKFold
-- without, shuffled;
-- `fit`: the options of model:fit (or a function of params and fold); class_weight = "balanced" is made from the
-- training labels, callbacks may be a function that gives a new list;
-- `validation` (false): a share of the training rows to watch, by groups, as fit's validation_data;
-- `scaler` (false): true or options of StandardScaler, fitted in each fold; `resample` (false): "over", "under";
-- `augment` (false): options of lubdub.augment.source, or a function of { data, x, y, seed, ... } that gives a source;
-- `metrics` ({ "accuracy", "balanced_accuracy", "f1_macro" }): scikit-learn's names of scorers, and name = function;
-- `search` (false): { grid = , folds = 3, scoring = , n_iter = } chooses params in each fold, on its training rows;
-- `params` ({}): what the model is given; `seed`; `progress` (true); `keep_models` (false)
-- @treturn lubdub.CrossValidation it prints
-- @usage
-- local result = lubdub.cross_validate {
--   x = x, y = y, folds = 3, fit = { epochs = 2, verbose = 0 }, seed = 1, progress = false,
--   model = function(params)
--     local layers = lubdub.layers
--     local net = lubdub.Sequential { layers.Flatten(), layers.Dense { units = 8, activation = "relu" },
--       layers.Dense { units = 5, activation = "softmax" } }
--     net:compile { optimizer = "adam", loss = "categorical_crossentropy" }
--     return net
--   end,
-- }
-- print(result)
function cross_validate.cross_validate(given)
  local where = "cross_validate"
  local o = cross_validate.check(where, options.read(where, given, known))
  if o.search then o.search = require("lubdub.validation.search").inner(where, o.search) end
  local problem = data.read(where, o)
  local parts, splitter = data.folds(where, problem, o.folds, o.seed)
  local bar, done = o.progress and progress.bar { label = "fold", total = #parts, unit = "fold" }, 0
  if bar then bar:update(0) end
  local found = cross_validate.run(problem, o, parts, splitter, o.params, function()
    done = done + 1
    if bar then bar:update(done) end
  end)
  if bar then bar:clear() end
  return found
end

return cross_validate
