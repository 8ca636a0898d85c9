-- Prints the sets of kernels that this CPU can run, one a line: values for LUBDUB_CPU.
package.path = "lua/?.lua;lua/?/init.lua;" .. package.path
package.cpath = "lua/?.so;" .. package.cpath
local _, names = require("lubdub").cpu()
print(table.concat(names, "\n"))
