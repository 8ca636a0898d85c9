--- The callbacks: `fit { callbacks = { lubdub.callbacks.EarlyStopping { patience = 50 } } }`, with Keras' names,
-- options and decisions. What fit asks of a callback is told in lubdub.callbacks.class; a plain table
-- with some of those methods is one too.
-- @module lubdub.callbacks
-- @usage
-- model:fit(x, y, { epochs = 2, validation_split = 0.25,
--   callbacks = { lubdub.callbacks.EarlyStopping { patience = 5 } } })
local files = {
  BackupAndRestore = "backup_and_restore",
  EarlyStopping = "early_stopping",
  ModelCheckpoint = "model_checkpoint",
  CSVLogger = "csv_logger",
  LambdaCallback = "lambda_callback",
  TerminateOnNaN = "terminate_on_nan",
  ReduceLROnPlateau = "reduce_lr_on_plateau",
  LearningRateScheduler = "learning_rate_scheduler",
  ProgressBar = "progress_bar",
  History = "history",
}

local names = {}
for name in pairs(files) do names[#names + 1] = name end
table.sort(names)

return setmetatable({}, {
  __index = function(self, name)
    if not files[name] then
      error(("callbacks: there is no callback '%s'; there are %s"):format(tostring(name), table.concat(names, ", ")),
        2)
    end
    local class = require("lubdub.callbacks." .. files[name])
    rawset(self, name, class)
    return class
  end,
  __names = function() return names end,
  __tostring = function() return "callbacks: " .. table.concat(names, ", ") end,
})
