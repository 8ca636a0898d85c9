--- HDF5 files. They are read by lubdub itself, which no damaged file can crash (csrc/h5/reader), and written by
-- libhdf5, which is loaded with the first file that is made.
-- @module lubdub.h5
local core = require "lubdub.core"

local h5 = {
  --- `h5.open(path)`: a File | nil, "path: reason".
  open = core.h5.open,
  --- `h5.open_buffer(bytes, name)`: a File over a string, or what `archive:bytes` gave; `name` stands for the path in
  -- messages.
  open_buffer = core.h5.open_buffer,
}

--- A file in memory, to be written to and then saved under a path.
function h5.create() return require "lubdub.h5_writer".create() end

return h5
