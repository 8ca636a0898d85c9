--- Keras' way from a class' name to others: MaxPooling2D -> max_pooling2d, PReLU -> p_re_lu.
-- @module lubdub.snake_case

--- @tparam string class
-- @treturn string
return function(class)
  return (class:gsub("(.)(%u%l+)", "%1_%2"):gsub("(%l)(%u)", "%1_%2"):lower())
end
