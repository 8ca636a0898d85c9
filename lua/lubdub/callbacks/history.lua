--- Collects the logs of every epoch; fit adds one itself, so that this is for going on with an older one.
-- @module lubdub.callbacks.History
-- @usage model:fit(x, y, { epochs = 2, callbacks = { lubdub.callbacks.History() } })
return require("lubdub.history").new
