/* recurrent.h - the fast stage of LSTM, GRU and Bidirectional: the whole batch at once. */
#ifndef LUB_NN_STAGES_RECURRENT_H
#define LUB_NN_STAGES_RECURRENT_H

#include "nn/stage.h"

/* Whether the stage can take this layer: its activations are linear, relu, sigmoid, hard_sigmoid or tanh, and a GRU has reset_after. */
bool lub_recurrent_is_fast(const lub_layer *layer);

lub_status lub_recurrent_stage(lub_stage *stage, lub_error *err);

#endif
