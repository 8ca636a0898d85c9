/* Bidirectional (Schuster and Paliwal 1997): a copy of an LSTM or GRU that runs forwards and one that runs backwards,
 * with weights of their own. merge_mode says what becomes of the two outputs: concat (side by side), sum, mul, ave.
 * With return_sequences the second one's outputs are turned around, so that both belong to the same step of the input.
 */
#include "nn/layers/recurrent.h"

static const char *const merge_names[] = {"concat", "sum", "mul", "ave", NULL};

static const lub_option options[] = {
    {.name = "layer", .type = LUB_OPTION_LAYER, .offset = offsetof(lub_bidirectional_options, layer), .required = true},
    {.name = "merge_mode",
     .type = LUB_OPTION_CHOICE,
     .choices = merge_names,
     .offset = offsetof(lub_bidirectional_options, merge_mode),
     .fallback = LUB_MERGE_CONCAT},
    {.name = "backward_layer",
     .type = LUB_OPTION_LAYER,
     .offset = offsetof(lub_bidirectional_options, backward_layer),
     .nullable = true,
     .none = true},
    LUB_OPTIONS_END};

_Static_assert(sizeof(lub_lstm_options) <= LUB_INNER_BYTES && sizeof(lub_gru_options) <= LUB_INNER_BYTES,
               "inner options");

static bool is_recurrent(const lub_inner_layer *inner) {
  return inner->kind == &lub_lstm_kind || inner->kind == &lub_gru_kind;
}

static lub_status check(const void *p, lub_error *err) {
  const lub_bidirectional_options *o = p;
  const lub_recurrent_options *first = (const void *)o->layer.options,
                              *second = (const void *)o->backward_layer.options;
  if (!is_recurrent(&o->layer))
    return lub_fail(err, LUB_EARG, "Bidirectional: layer must be an LSTM or a GRU, got %s", o->layer.kind->name);
  if (first->go_backwards)
    return lub_fail(err, LUB_EARG, "Bidirectional: layer must not have go_backwards; a copy of it runs backwards");
  if (!o->backward_layer.kind) return LUB_OK;
  if (!is_recurrent(&o->backward_layer))
    return lub_fail(err, LUB_EARG, "Bidirectional: backward_layer must be an LSTM or a GRU, got %s",
                    o->backward_layer.kind->name);
  if (!second->go_backwards)
    return lub_fail(err, LUB_EARG, "Bidirectional: backward_layer must have go_backwards = true");
  if (first->units != second->units || first->return_sequences != second->return_sequences)
    return lub_fail(err, LUB_EARG,
                    "Bidirectional: layer and backward_layer must have the same units and return_sequences");
  return LUB_OK;
}

const lub_layer_kind lub_bidirectional_kind = {.name = "Bidirectional",
                                               .options = options,
                                               .options_size = sizeof(lub_bidirectional_options),
                                               .activation_at = -1,
                                               .inputs = 1,
                                               .check = check,
                                               .output_shape = lub_recurrent_output_shape,
                                               .params = lub_recurrent_params,
                                               .begin = lub_recurrent_begin,
                                               .saved_floats = lub_recurrent_saved_floats,
                                               .forward = lub_recurrent_forward,
                                               .backward = lub_recurrent_backward};
