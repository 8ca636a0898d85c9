--- How good a prediction is, with scikit-learn's names, argument order and defaults.
-- Every function takes the truth first: `lubdub.metrics.f1_score(y_true, y_pred, { average = "macro" })`.
-- The names that begin with a capital are Keras' metrics, which add up over batches:
-- `lubdub.metrics.AUC { curve = "PR" }` (lubdub.fit_metrics); compile takes them.
-- @module lubdub.metrics
-- @usage print(lubdub.metrics.classification_report(y_true, y_pred))
local metrics = {}

local public = {
  agreement = { "accuracy_score", "balanced_accuracy_score", "matthews_corrcoef", "cohen_kappa_score" },
  confusion = { "confusion_matrix" },
  rates = {
    "precision_score", "recall_score", "sensitivity_score", "f1_score", "fbeta_score", "specificity_score",
    "precision_recall_fscore_support",
  },
  report = { "classification_report" },
  curves = { "roc_curve", "precision_recall_curve", "auc", "roc_auc_score", "average_precision_score" },
  probability = { "log_loss", "brier_score_loss" },
  calibration = { "calibration_curve", "top_k_accuracy_score" },
  challenge = { "circor_weighted_accuracy", "physionet2016_score" },
  bootstrap = { "bootstrap" },
  mcnemar = { "mcnemar" },
  aggregate = { "aggregate" },
}

for file, names in pairs(public) do
  local part = require("lubdub.metrics." .. file)
  for _, name in ipairs(names) do metrics[name] = part[name] end
end

for kind, new in pairs(require("lubdub.fit_metrics").classes) do metrics[kind] = new end

return metrics
