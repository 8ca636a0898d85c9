-- Busted's own command line under the Lua that runs this: its program may start another one.
require "busted.runner" { standalone = false }
