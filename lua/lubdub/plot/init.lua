--- Pictures through gnuplot (the program; nothing here needs it until a figure is saved).
-- Each function returns a figure: `figure:save "name.png"` (or .svg, .pdf), `figure:script()` for gnuplot's own text.
-- @module lubdub.plot
-- @usage lubdub.plot.confusion_matrix(y_true, y_pred, { normalize = "true" }):save "confusion.svg"
local signal = require "lubdub.plot.signal"

return {
  history = require "lubdub.plot.history",
  confusion_matrix = require "lubdub.plot.confusion",
  waveform = signal.waveform,
  mfcc = signal.mfcc,
}
