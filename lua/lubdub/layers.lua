--- The layers: `lubdub.layers.Conv2D { filters = 16, kernel_size = 2 }`, with Keras' names and defaults.
-- Each is a function from one table of options to a layer, which prints itself; `print(lubdub.layers)`
-- lists them. Every layer also takes `name` and `trainable`.
-- @module lubdub.layers
-- @usage
-- local layers = lubdub.layers
-- local model = lubdub.Sequential { layers.Input { 20 }, layers.Dense { units = 5, activation = "softmax" } }
local core = require "lubdub.core"
require "lubdub.graph" -- layers can be called

-- === the kinds, which are in csrc/nn/layers: their options and defaults are checked against these words ===

--- What a sample looks like: the first layer of a model that is to be built at once.
-- @function Input
-- @tparam table options the sizes without the batch axis, as a list; or shape
-- @treturn Layer
-- @usage lubdub.layers.Input { 40, 173, 1 }

--- activation(x W + b) along the last axis: every output sees every input.
-- @function Dense
-- @tparam table options units, activation (false), use_bias (true), kernel_initializer ("glorot_uniform"),
-- bias_initializer ("zeros"), kernel_regularizer (false), bias_regularizer (false), kernel_constraint (false),
-- bias_constraint (false)
-- @treturn Layer
-- @usage lubdub.layers.Dense { units = 5, activation = "softmax" }

--- Convolution of images (height, width, channels); of MFCCs height is the coefficient and width is time.
-- @function Conv2D
-- @tparam table options filters (how many patterns are looked for), kernel_size (a number, or { height, width }),
-- strides (1), padding ("valid"; or "same"), dilation_rate (1), groups (1), activation (false), use_bias (true),
-- kernel_initializer ("glorot_uniform"), bias_initializer ("zeros"), kernel_regularizer (false), bias_regularizer
-- (false), kernel_constraint (false), bias_constraint (false)
-- @treturn Layer
-- @usage lubdub.layers.Conv2D { filters = 16, kernel_size = 3, activation = "relu", padding = "same" }

--- Convolution along time of (steps, channels).
-- @function Conv1D
-- @tparam table options filters, kernel_size, strides (1), padding ("valid"; or "same"; "causal": no step sees a
-- later one), dilation_rate (1), groups (1), activation (false), use_bias (true), kernel_initializer
-- ("glorot_uniform"), bias_initializer ("zeros"), kernel_regularizer (false), bias_regularizer (false),
-- kernel_constraint (false), bias_constraint (false)
-- @treturn Layer
-- @usage lubdub.layers.Conv1D { filters = 32, kernel_size = 5, padding = "causal" }

--- Convolution of each channel by itself.
-- @function DepthwiseConv2D
-- @tparam table options kernel_size, depth_multiplier (1: outputs of each channel), strides (1), padding ("valid";
-- or "same"), dilation_rate (1), activation (false), use_bias (true), depthwise_initializer ("glorot_uniform"),
-- bias_initializer ("zeros"), depthwise_regularizer (false), bias_regularizer (false), depthwise_constraint (false),
-- bias_constraint (false)
-- @treturn Layer
-- @usage lubdub.layers.DepthwiseConv2D { kernel_size = 3, padding = "same" }

--- A depthwise convolution and then one of 1 x 1: fewer weights than Conv2D.
-- @function SeparableConv2D
-- @tparam table options filters, kernel_size, depth_multiplier (1), strides (1), padding ("valid"; or "same"),
-- dilation_rate (1), activation (false), use_bias (true), depthwise_initializer ("glorot_uniform"),
-- pointwise_initializer ("glorot_uniform"), bias_initializer ("zeros"), depthwise_regularizer (false),
-- pointwise_regularizer (false), bias_regularizer (false), depthwise_constraint (false), pointwise_constraint
-- (false), bias_constraint (false)
-- @treturn Layer
-- @usage lubdub.layers.SeparableConv2D { filters = 32, kernel_size = 3 }

--- The greatest value of each window of an image.
-- @function MaxPooling2D
-- @tparam ?table options pool_size (2), strides (false: pool_size), padding ("valid"; or "same")
-- @treturn Layer
-- @usage lubdub.layers.MaxPooling2D { pool_size = 2 }

--- The greatest value of each window of steps.
-- @function MaxPooling1D
-- @tparam ?table options pool_size (2), strides (false: pool_size), padding ("valid"; or "same")
-- @treturn Layer
-- @usage lubdub.layers.MaxPooling1D { pool_size = 4 }

--- The mean of each window of an image.
-- @function AveragePooling2D
-- @tparam ?table options pool_size (2), strides (false: pool_size), padding ("valid"; or "same")
-- @treturn Layer
-- @usage lubdub.layers.AveragePooling2D { pool_size = { 2, 1 } }

--- The mean of each window of steps.
-- @function AveragePooling1D
-- @tparam ?table options pool_size (2), strides (false: pool_size), padding ("valid"; or "same")
-- @treturn Layer
-- @usage lubdub.layers.AveragePooling1D()

--- The mean of each channel over the whole image.
-- @function GlobalAveragePooling2D
-- @tparam ?table options keepdims (false)
-- @treturn Layer
-- @usage lubdub.layers.GlobalAveragePooling2D()

--- The mean of each channel over all steps.
-- @function GlobalAveragePooling1D
-- @tparam ?table options keepdims (false)
-- @treturn Layer
-- @usage lubdub.layers.GlobalAveragePooling1D()

--- The greatest value of each channel over the whole image.
-- @function GlobalMaxPooling2D
-- @tparam ?table options keepdims (false)
-- @treturn Layer
-- @usage lubdub.layers.GlobalMaxPooling2D()

--- The greatest value of each channel over all steps.
-- @function GlobalMaxPooling1D
-- @tparam ?table options keepdims (false)
-- @treturn Layer
-- @usage lubdub.layers.GlobalMaxPooling1D()

--- A long short-term memory over (steps, features).
-- @function LSTM
-- @tparam table options units, activation ("tanh"), recurrent_activation ("sigmoid"), use_bias (true),
-- kernel_initializer ("glorot_uniform"), recurrent_initializer ("orthogonal"), bias_initializer ("zeros"),
-- unit_forget_bias (true), kernel_regularizer (false), recurrent_regularizer (false), bias_regularizer (false),
-- kernel_constraint (false), recurrent_constraint (false), bias_constraint (false), dropout (0; of the inputs),
-- recurrent_dropout (0), return_sequences (false: the last output alone), return_state (false), go_backwards
-- (false), stateful (false), unroll (false)
-- @treturn Layer
-- @usage lubdub.layers.LSTM { units = 64, return_sequences = true }

--- A gated recurrent unit over (steps, features).
-- @function GRU
-- @tparam table options units, activation ("tanh"), recurrent_activation ("sigmoid"), use_bias (true),
-- kernel_initializer ("glorot_uniform"), recurrent_initializer ("orthogonal"), bias_initializer ("zeros"),
-- reset_after (true), kernel_regularizer (false), recurrent_regularizer (false), bias_regularizer (false),
-- kernel_constraint (false), recurrent_constraint (false), bias_constraint (false), dropout (0; of the inputs),
-- recurrent_dropout (0), return_sequences (false: the last output alone), return_state (false), go_backwards
-- (false), stateful (false), unroll (false)
-- @treturn Layer
-- @usage lubdub.layers.GRU { units = 32 }

--- A recurrent layer that reads the steps forwards and another that reads them backwards.
-- @function Bidirectional
-- @tparam table options layer (an LSTM or GRU; may be given alone), merge_mode ("concat"; or "sum", "mul", "ave"),
-- backward_layer (false: like layer)
-- @treturn Layer
-- @usage lubdub.layers.Bidirectional(lubdub.layers.LSTM { units = 16 })

--- Shifts and scales each channel to mean 0 and variance 1: of the batch in training, of what training saw later.
-- @function BatchNormalization
-- @tparam ?table options axis (-1; of the channels; the batch's is 1), momentum (0.99), epsilon (0.001), center
-- (true), scale (true), beta_initializer ("zeros"), gamma_initializer ("ones"), moving_mean_initializer ("zeros"),
-- moving_variance_initializer ("ones"), beta_regularizer (false), gamma_regularizer (false), beta_constraint
-- (false), gamma_constraint (false)
-- @treturn Layer
-- @usage lubdub.layers.BatchNormalization()

--- Shifts and scales each sample to mean 0 and variance 1 along an axis, or along several together.
-- @function LayerNormalization
-- @tparam ?table options axis (-1; or a list; the batch's is 1), epsilon (0.001), center (true), scale (true),
-- beta_initializer ("zeros"), gamma_initializer ("ones"), beta_regularizer (false), gamma_regularizer (false),
-- beta_constraint (false), gamma_constraint (false)
-- @treturn Layer
-- @usage lubdub.layers.LayerNormalization()

--- In training each value is 0 with probability rate, and the others grow to keep the mean.
-- @function Dropout
-- @tparam table options rate, noise_shape (false; or sizes, the batch's first, of what is drawn: where one is 1, all
-- along that axis share their fate; false: the input's size. A batch size of more than 1 is as good as false)
-- @treturn Layer
-- @usage lubdub.layers.Dropout { rate = 0.2 }

--- Dropout of whole channels of (steps, channels).
-- @function SpatialDropout1D
-- @tparam table options rate
-- @treturn Layer
-- @usage lubdub.layers.SpatialDropout1D { rate = 0.2 }

--- Dropout of whole channels of an image.
-- @function SpatialDropout2D
-- @tparam table options rate
-- @treturn Layer
-- @usage lubdub.layers.SpatialDropout2D { rate = 0.2 }

--- In training adds normal noise.
-- @function GaussianNoise
-- @tparam table options stddev
-- @treturn Layer
-- @usage lubdub.layers.GaussianNoise { stddev = 0.1 }

--- A function of each value by its name.
-- @function Activation
-- @tparam table options activation ("relu", "softmax", "sigmoid", "tanh", "elu", "gelu", ...; may be given alone)
-- @treturn Layer
-- @usage lubdub.layers.Activation { activation = "tanh" }

--- max(x, 0), with Keras' refinements.
-- @function ReLU
-- @tparam ?table options max_value (false), negative_slope (0), threshold (0)
-- @treturn Layer
-- @usage lubdub.layers.ReLU { max_value = 6 }

--- x where it is positive, a small share of it elsewhere.
-- @function LeakyReLU
-- @tparam ?table options negative_slope (0.3)
-- @treturn Layer
-- @usage lubdub.layers.LeakyReLU { negative_slope = 0.1 }

--- LeakyReLU whose slopes are learned.
-- @function PReLU
-- @tparam ?table options alpha_initializer ("zeros"), alpha_regularizer (false), alpha_constraint (false),
-- shared_axes (false: a slope for each value; { 2, 3 }: one for each channel of an image)
-- @treturn Layer
-- @usage lubdub.layers.PReLU { shared_axes = { 2, 3 } }

--- x where it is positive, alpha (e^x - 1) elsewhere.
-- @function ELU
-- @tparam ?table options alpha (1)
-- @treturn Layer
-- @usage lubdub.layers.ELU()

--- Positive numbers that add up to 1 along an axis, or over several together.
-- @function Softmax
-- @tparam ?table options axis (-1; or a list; the batch's is 1)
-- @treturn Layer
-- @usage lubdub.layers.Softmax()

--- All values of a sample in one row.
-- @function Flatten
-- @tparam ?table options none of its own
-- @treturn Layer
-- @usage lubdub.layers.Flatten()

--- The values of a sample with other sizes.
-- @function Reshape
-- @tparam table options the sizes as a list, -1 for one that follows from the others; or target_shape
-- @treturn Layer
-- @usage lubdub.layers.Reshape { 40, -1 }

--- The axes of a sample in another order, counted from 1.
-- @function Permute
-- @tparam table options the axes as a list; or dims
-- @treturn Layer
-- @usage lubdub.layers.Permute { 2, 1 }

--- Zeros around an image.
-- @function ZeroPadding2D
-- @tparam ?table options padding (1; or { rows, columns }, or { { top, bottom }, { left, right } })
-- @treturn Layer
-- @usage lubdub.layers.ZeroPadding2D { padding = { 1, 2 } }

--- Zeros before and behind the steps.
-- @function ZeroPadding1D
-- @tparam ?table options padding (1; or { before, behind })
-- @treturn Layer
-- @usage lubdub.layers.ZeroPadding1D { padding = 2 }

--- An image without its margins.
-- @function Cropping2D
-- @tparam ?table options cropping (0; or { rows, columns }, or { { top, bottom }, { left, right } })
-- @treturn Layer
-- @usage lubdub.layers.Cropping2D { cropping = 1 }

--- The steps without the first and the last ones.
-- @function Cropping1D
-- @tparam ?table options cropping (1; or { before, behind })
-- @treturn Layer
-- @usage lubdub.layers.Cropping1D { cropping = { 1, 2 } }

--- The sum of several inputs, element by element: `layers.Add()({ a, b })` in a lubdub.Model.
-- @function Add
-- @tparam ?table options none of its own
-- @treturn Layer
-- @usage
-- local input = lubdub.layers.Input { 8 }
-- local a, b = lubdub.layers.Dense { units = 4 } (input), lubdub.layers.Dense { units = 4 } (input)
-- local model = lubdub.Model { inputs = input, outputs = lubdub.layers.Add()({ a, b }) }

--- The first of two inputs less the second, element by element: `layers.Subtract()({ a, b })` in a lubdub.Model.
-- @function Subtract
-- @tparam ?table options none of its own
-- @treturn Layer
-- @usage
-- local input = lubdub.layers.Input { 8 }
-- local a, b = lubdub.layers.Dense { units = 4 } (input), lubdub.layers.Dense { units = 4 } (input)
-- local model = lubdub.Model { inputs = input, outputs = lubdub.layers.Subtract()({ a, b }) }

--- The product of several inputs, element by element: `layers.Multiply()({ a, b })` in a lubdub.Model.
-- @function Multiply
-- @tparam ?table options none of its own
-- @treturn Layer
-- @usage
-- local input = lubdub.layers.Input { 8 }
-- local a, b = lubdub.layers.Dense { units = 4 } (input), lubdub.layers.Dense { units = 4 } (input)
-- local model = lubdub.Model { inputs = input, outputs = lubdub.layers.Multiply()({ a, b }) }

--- The mean of several inputs, element by element: `layers.Average()({ a, b })` in a lubdub.Model.
-- @function Average
-- @tparam ?table options none of its own
-- @treturn Layer
-- @usage
-- local input = lubdub.layers.Input { 8 }
-- local a, b = lubdub.layers.Dense { units = 4 } (input), lubdub.layers.Dense { units = 4 } (input)
-- local model = lubdub.Model { inputs = input, outputs = lubdub.layers.Average()({ a, b }) }

--- The greatest of several inputs, element by element: `layers.Maximum()({ a, b })` in a lubdub.Model.
-- @function Maximum
-- @tparam ?table options none of its own
-- @treturn Layer
-- @usage
-- local input = lubdub.layers.Input { 8 }
-- local a, b = lubdub.layers.Dense { units = 4 } (input), lubdub.layers.Dense { units = 4 } (input)
-- local model = lubdub.Model { inputs = input, outputs = lubdub.layers.Maximum()({ a, b }) }

--- The smallest of several inputs, element by element: `layers.Minimum()({ a, b })` in a lubdub.Model.
-- @function Minimum
-- @tparam ?table options none of its own
-- @treturn Layer
-- @usage
-- local input = lubdub.layers.Input { 8 }
-- local a, b = lubdub.layers.Dense { units = 4 } (input), lubdub.layers.Dense { units = 4 } (input)
-- local model = lubdub.Model { inputs = input, outputs = lubdub.layers.Minimum()({ a, b }) }

--- Several inputs behind one another along an axis.
-- @function Concatenate
-- @tparam ?table options axis (-1)
-- @treturn Layer
-- @usage
-- local input = lubdub.layers.Input { 8 }
-- local a, b = lubdub.layers.Dense { units = 4 } (input), lubdub.layers.Dense { units = 2 } (input)
-- local model = lubdub.Model { inputs = input, outputs = lubdub.layers.Concatenate()({ a, b }) }

-- === what every layer has: fields kind, name, trainable, built, and these ===

--- Makes the weights for samples of this shape, where they are not made yet; a model does so for its layers.
-- @function Layer:build
-- @tparam table input_shape the sizes without the batch axis
-- @tparam ?integer seed
-- @treturn table the output's sizes
-- @usage local shape = lubdub.layers.Dense { units = 5 }:build({ 20 }, 1)

--- The sizes of what comes out, without making weights.
-- @function Layer:output_shape
-- @tparam table input_shape the sizes without the batch axis
-- @treturn table
-- @usage local shape = lubdub.layers.Conv2D { filters = 16, kernel_size = 2 }:output_shape { 40, 173, 1 }

--- Every option with its value, under Keras' names; false for None.
-- @function Layer:config
-- @treturn table
-- @usage print(lubdub.layers.Dropout { rate = 0.2 }:config().rate)

--- Copies of the weights in Keras' order; none before the layer is built.
-- @function Layer:weights
-- @treturn table a list of { name =, trainable =, value = Tensor }
-- @usage for _, weight in ipairs(model.layers[1]:weights()) do print(weight.name, #weight.value) end

--- Sets the weights, all or none.
-- @function Layer:set_weights
-- @tparam table tensors in the order of weights()
-- @usage model.layers[1]:set_weights { lubdub.Tensor.zeros { 3, 3, 1, 4 }, lubdub.Tensor.zeros { 4 } }

--- How many numbers the weights have.
-- @function Layer:count_params
-- @treturn integer all of them
-- @treturn integer those that training changes
-- @usage print(model.layers[1]:count_params())

local kinds = core.layers.names()
table.sort(kinds)

local layers = {}
for _, kind in ipairs(kinds) do layers[kind] = core.layers[kind] end

return setmetatable(layers, {
  __tostring = function() return "layers: " .. table.concat(kinds, ", ") end,
  __index = function(_, name)
    error(("layers: there is no layer '%s'; there are %s"):format(tostring(name), table.concat(kinds, ", ")), 2)
  end,
})
