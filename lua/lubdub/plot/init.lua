--- Pictures through gnuplot (the program; nothing here needs it until a figure is drawn).
-- Each function returns a figure: `figure:save "name.png"` (or .svg, .pdf), `figure:show()` in the terminal,
-- `figure:render "svg"` for the picture as a string, `figure:script()` for gnuplot's own text.
-- All take `title` (false for none), `size` ({ width, height } in pixels) and `theme` ("light", "dark").
-- @module lubdub.plot
-- @usage lubdub.plot.confusion_matrix(y_true, y_pred, { normalize = "true" }):save "confusion.svg"
local curves = require "lubdub.plot.curves"
local image = require "lubdub.plot.image"

return {
  history = require "lubdub.plot.history",
  confusion_matrix = require "lubdub.plot.confusion",
  class_counts = require "lubdub.plot.counts",
  roc_curve = curves.roc_curve,
  precision_recall_curve = curves.precision_recall_curve,
  calibration_curve = curves.calibration_curve,
  waveform = require "lubdub.plot.signal",
  spectrogram = image.spectrogram,
  melspectrogram = image.melspectrogram,
  mfcc = image.mfcc,
  grad_cam = require "lubdub.plot.grad_cam",
}
