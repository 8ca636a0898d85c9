--- Lets a training that was killed go on: `fit { callbacks = { lubdub.callbacks.BackupAndRestore "backup" } }`.
--
-- After every epoch all that the training needs is written to one file: weights, the optimizer's memory and rate, the
-- number of steps, the seed, the history, and the state of every callback (lubdub.callbacks.class: state and restore).
-- The same script, started again, goes on behind the last whole epoch and ends with the very same weights as if it had
-- never been interrupted; the history that fit returns is whole. When fit comes to its end, the file is removed.
--
-- Options, as in Keras: path (may stand alone; also `backup_dir`): a file, or a folder that gets a file backup.lubdub
-- (a path that ends in "/", and backup_dir, are always folders); save_freq ("epoch"; Keras' number of batches is not
-- supported: an epoch is done as a whole); delete_checkpoint (true; false keeps the file: a later fit with more epochs
-- goes on from it, and a script that is killed between the end of fit and model:save need not train anew). Folders are
-- made where they are missing.
--
-- A file that is damaged or of another training (another model, optimizer, data, seed, or option of fit or of a
-- callback; the number of epochs may differ) is an error that tells what differs, before anything is changed: nobody's
-- work is overwritten. A backup that cannot be written ends the training with an error; the last one stays.
-- A batch source must give the same batches for the same (epoch, seed), as lubdub.batches asks for.
-- @module lubdub.callbacks.BackupAndRestore
-- @usage lubdub.callbacks.BackupAndRestore "backup/"
local lfs = require "lfs"

local backup = require "lubdub.backup"
local blame = require "lubdub.blame"
local folders = require "lubdub.callbacks.folders"
local options = require "lubdub.options"
local pack = require "lubdub.pack"
local progress = require "lubdub.progress"
local settings = require "lubdub.callbacks.settings"

local BackupAndRestore = require "lubdub.callbacks.class"("BackupAndRestore",
  { path = options.none, backup_dir = options.none, save_freq = "epoch", delete_checkpoint = true }, "path")

local FILE = "backup.lubdub"

function BackupAndRestore:init()
  local path = self.path or self.backup_dir
  if type(path) ~= "string" or path == "" then
    blame("BackupAndRestore: path must be the name of a file or folder, got %s", path == "" and "''" or type(path))
  end
  if self.save_freq ~= "epoch" then
    blame("BackupAndRestore: save_freq must be \"epoch\", got %s", tostring(self.save_freq))
  end
  if type(self.delete_checkpoint) ~= "boolean" then
    blame("BackupAndRestore: delete_checkpoint must be true or false, got %s", tostring(self.delete_checkpoint))
  end
  self.is_folder = self.backup_dir ~= nil or path:find "/$" ~= nil
  self.path = path
end

-- The file itself. A folder may come to be between two trainings.
local function file_of(self)
  if not self.is_folder and lfs.attributes(self.path, "mode") ~= "directory" then return self.path end
  return ("%s/%s"):format(self.path:gsub("(.)/+$", "%1"), FILE)
end

local function fail(format, ...) error("BackupAndRestore: " .. format:format(...), 0) end

-- Rates at the beginning of trainings that ended early, by optimizer: as long as nobody sets another one, the same call
-- of fit begins the same training, whatever a callback has made of the rate.
local left = setmetatable({}, { __mode = "k" })

local function first_rate(optimizer)
  local known = left[optimizer]
  return known and known.leaving == optimizer.learning_rate and known.first or optimizer.learning_rate
end

-- The callbacks whose states are kept: all but this one, and the one that only shows.
local function kept(self, list)
  local others = {}
  for _, callback in ipairs(list) do
    if callback ~= self and callback.kind == self.kind then blame "fit: there are two callbacks BackupAndRestore" end
    if callback ~= self and callback.kind ~= "ProgressBar" then others[#others + 1] = callback end
  end
  return others
end

-- === going on ===

-- What makes another training of this one, as text; nil where it is the same.
local function difference(self, training, found)
  local what = settings.difference(found.settings, self.settings)
  if what then return what end
  local seed, optimizer = training.options.seed, training.model.optimizer
  if seed and seed ~= found.seed then return ("the seed is %d there and %d here"):format(found.seed, seed) end
  if found.first_rate ~= self.first_rate and not optimizer.schedule then
    return ("the learning rate at the beginning is %.8g there and %.8g here"):format(found.first_rate, self.first_rate)
  end
end

local function restore(self, model, found)
  model:set_weights(found.weights)
  model.trainer:set_state(found.trainer)
  model.optimizer:set_schedule(model.optimizer.schedule, found.rate)
  for i, callback in ipairs(self.others) do
    local state = pack.decode(found.states[i])
    if callback.restore and state then callback:restore(state) end
  end
end

--- Called by fit before the training, when everything is known: restores what the file holds, if there is one.
-- @tparam table training model, options, data, validation, callbacks, seed
-- @treturn integer the seed of the training
function BackupAndRestore:resume(training)
  local model, verbose = training.model, training.options.verbose
  self.file, self.first_rate, self.seed = file_of(self), first_rate(model.optimizer), training.seed
  self.others = kept(self, training.callbacks)
  self.settings = settings.of { model = model, options = training.options, data = training.data,
    validation = training.validation, callbacks = self.others }
  self.done = { epoch = training.options.initial_epoch, logs = {}, is_new = true }
  local found, reason = backup.read(self.file)
  if reason then fail("%s", reason) end
  if not found then return self.seed end
  local what = difference(self, training, found)
  if what and found.is_new then return self.seed end -- no epoch was done yet: nothing is lost
  if what then
    fail("%s: is of another training: %s; to train anew, remove the file, or give another path", self.file, what)
  end
  restore(self, model, found)
  self.seed, self.done = found.seed, { epoch = found.epoch, stopped = found.stopped, logs = found.logs }
  if verbose ~= 0 and not found.is_new then
    progress.say(("BackupAndRestore: going on behind epoch %d (%s)"):format(found.epoch, self.file))
  end
  return self.seed
end

-- === keeping ===

-- States as bytes, so that what cannot be kept is blamed on the callback that it comes from.
local function states_of(self)
  local states = {}
  for i, callback in ipairs(self.others) do
    local ok, bytes = pcall(pack.encode, callback.state and callback:state() or false, "state()")
    if not ok then fail("callback %d (%s): %s", i, callback.kind or "a table", bytes) end
    states[i] = bytes
  end
  return states
end

local function keep(self, epoch, logs, is_new)
  local model = self.model
  local ok, reason = folders.make_for(self.file)
  if ok then
    ok, reason = backup.write(self.file, { epoch = epoch, seed = self.seed, stopped = model.stop_training, logs = logs,
      is_new = is_new, settings = self.settings, first_rate = self.first_rate, rate = model.optimizer.learning_rate,
      weights = model:get_weights(), trainer = model.trainer:state(), states = states_of(self) })
  end
  if not ok then fail("%s", reason) end
end

--- Called by fit when every callback has heard that the training begins. A training that is new is kept before its
-- first epoch: if that one is broken off, a log that is appended to must know where it began.
-- @treturn table epoch (done), logs of that epoch, stopped (whether a callback ended the training there)
function BackupAndRestore:begin()
  if self.done.is_new then keep(self, self.done.epoch, {}, true) end
  return self.done
end

--- Called by fit when an epoch is done and every callback has heard of it.
-- @tparam integer epoch
-- @tparam table logs
function BackupAndRestore:keep(epoch, logs) keep(self, epoch, logs, false) end

--- Called by fit when the training is over and every callback has heard of it.
function BackupAndRestore:finish()
  if not self.delete_checkpoint then return self:on_train_interrupt() end
  local ok, reason, code = os.remove(self.file)
  if not ok and code ~= 2 then fail("%s", reason) end -- ENOENT
end

function BackupAndRestore:on_train_interrupt()
  local optimizer = self.model.optimizer
  left[optimizer] = { first = self.first_rate, leaving = optimizer.learning_rate }
end

return BackupAndRestore
