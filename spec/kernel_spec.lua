-- The Jupyter kernel: its Lua parts alone, and the whole through jupyter_client where a Python has that.
local cell = dofile "kernel/cell.lua"
local core = require "lubdub.core"
local lookup = dofile "kernel/lookup.lua"

-- What a cell shows: the values as a list.
local function values(code)
  local run, quiet = assert(cell.compile(code, "=cell"))
  local packed = run()
  return packed, quiet
end

describe("kernel: a cell", function()
  it("shows its last expression, whatever stands before it", function()
    assert.same({ n = 1, 2 }, (values "1 + 1"))
    assert.same({ n = 2, 1, 2 }, (values "1, 2"))
    assert.same({ n = 1, 6 }, (values "local a = 2\nlocal b = 3\na * b"))
    assert.same({ n = 1, 5 }, (values "local function f(x)\n  return x\nend\nf(\n  5\n)\n-- a comment\n\n"))
    assert.same({ n = 1, 7 }, (values "return 7"))
    assert.same({ n = 0 }, (values "local a = 1"))
    assert.same({ n = 0 }, (values ""))
    assert.same({ n = 0 }, (values "-- nothing"))
    assert.same({ n = 1, "x" }, (values "local t = { a = function() return 'x' end }\nt\n  .a()"))
    assert.same({ n = 1, "b" }, (values "local s = [[\na\n]]\n'b'"))
  end)

  it("is quiet after a semicolon", function()
    assert.is_true(select(2, values "1 + 1;"))
    assert.is_true(select(2, values "1 + 1 ; \n-- comment"))
    assert.is_false(select(2, values "1 + 1"))
  end)

  it("leaves statements that go on in the next line whole", function()
    _G.kernel_spec = function(x) return type(x) == "function" and x or function() return x end end
    finally(function() _G.kernel_spec, _G.kernel_value = nil, nil end)
    values "kernel_value = kernel_spec\n(7)"
    assert.equal(7, _G.kernel_value())
    values "kernel_value = 5\n-3"
    assert.equal(2, _G.kernel_value)
    values "kernel_value =\n5"
    assert.equal(5, _G.kernel_value)
    values "kernel_value = kernel_spec\n{ 1 }"
    assert.same({ 1 }, _G.kernel_value())
  end)

  it("keeps the numbers of its lines in messages", function()
    local run = cell.compile("local a\n\nerror 'here'", "=In[1]")
    local _, message = pcall(run)
    assert.equal("In[1]:3: here", message)
    assert.same({ nil, "In[2]:2: unexpected symbol near '='" }, { cell.compile("x = 1\nx = = 2", "=In[2]") })
  end)

  it("says whether more lines may mend it", function()
    assert.equal("complete", cell.status "x = 1")
    assert.equal("complete", cell.status "1 + 1")
    assert.equal("incomplete", cell.status "for i = 1, 3 do")
    assert.equal("incomplete", cell.status "f(1,")
    assert.equal("incomplete", cell.status "x = [[")
    assert.equal("invalid", cell.status "x = = 1")
  end)
end)

describe("kernel: looking up", function()
  setup(function() _G.lubdub = require "lubdub" end)
  teardown(function() _G.lubdub = nil end)

  local function completes(text, name)
    for _, match in ipairs((lookup.complete(text))) do
      if match == name then return true end
    end
    return false
  end

  it("completes names, lazy ones too, methods, and options", function()
    assert.is_true(completes("lubdub.callb", "callbacks"))
    assert.is_false(completes("lubdub.", "print"))
    assert.is_false(completes("lubdub.", "interruptible"))
    assert.is_true(completes("lubdub.callbacks.Mod", "ModelCheckpoint"))
    assert.is_true(completes("x = string.for", "format"))
    assert.is_true(completes("whi", "while"))
    assert.is_true(completes("lubdub.MFCC { n_", "n_mfcc = "))
    assert.is_true(completes("lubdub.MFCC { sr = 4000, n_", "n_mfcc = "))
    assert.is_true(completes("lubdub.MFCC {\n  ", "sr = "))
    assert.is_true(completes("lubdub.layers.Dense { units = f(1, { 2 }), act", "activation = "))
    assert.is_true(completes("f(lubdub.split.train_test_split(10, { test", "test_size = "))
    assert.is_false(completes("lubdub.MFCC { sr = s", "sr = "))
    assert.is_false(completes("lubdub.no", "nothing"))
    assert.same({}, (lookup.complete "lubdub.nothing.x"))
    assert.same({}, (lookup.complete ""))
    assert.same({}, (lookup.complete "lubdub.MFCC { ')"))
  end)

  it("calls nothing", function()
    _G.kernel_spec = setmetatable({}, { __index = function() error "looked at" end })
    finally(function() _G.kernel_spec = nil end)
    assert.same({}, (lookup.complete "kernel_spec.a.b"))
    assert.is_nil(lookup.inspect("kernel_spec.a", ""))
  end)

  it("tells about the name at the cursor, or about what is called there", function()
    assert.truthy(lookup.inspect("lubdub.MF", "CC { }"):find "^lubdub%.MFCC%(")
    assert.truthy(lookup.inspect("lubdub.MFCC { n_mfcc = 3", ""):find "^lubdub%.MFCC%(")
    assert.truthy(lookup.inspect("table.concat", "(x)"):find "a C function")
    assert.truthy(lookup.inspect("math.pi", ""):find "3%.14")
    assert.is_nil(lookup.inspect("", ""))
    assert.is_nil(lookup.inspect("nothing_of_this_name", ""))
  end)
end)

describe("core.interruptible", function()
  -- a signal to this process itself, as the kernel sends it
  local function interrupt()
    local pid = io.open("/proc/self/stat"):read "n"
    io.popen(("kill -INT %d"):format(pid)):close() -- os.execute would ignore the signal
  end
  local pending_without = io.open "/proc/self/stat" and it or pending

  it("is pcall where nothing comes", function()
    assert.same({ true, 1, nil, 3 }, { core.interruptible(function(...) return ... end, 1, nil, 3) })
    assert.same({ false, "x" }, { core.interruptible(error, "x") })
    assert.has_error(function() core.interruptible(5) end)
  end)

  pending_without("stops a function, as often as it is asked, and ends no process", function()
    for _ = 1, 3 do
      local ok, message = core.interruptible(function()
        interrupt()
        local deadline = core.clock() + 60
        while core.clock() < deadline do end -- luacheck: ignore
      end)
      assert.is_false(ok)
      assert.truthy(message:find "interrupted!$")
    end
    interrupt() -- between two calls: nothing happens
    assert.is_true(core.interruptible(function() return true end))
    assert.is_nil((debug.gethook()))
  end)

  it("does not nest", function()
    local ok, inner, message = core.interruptible(pcall, core.interruptible, print)
    assert.same({ true, false }, { ok, inner })
    assert.truthy(message:find "one call at a time")
  end)
end)

describe("kernel: through jupyter_client", function()
  local python = io.popen "tools/jupyter.sh"
  local name = python:read "l"
  python:close()
  if not name then
    pending "no Python here has ipykernel, jupyter_client and nbclient (Debian: python3-ipykernel python3-nbclient)"
    return
  end

  local said
  setup(function()
    local run = io.popen(("LUA='%s' '%s' -W ignore kernel/test_kernel.py -v 2>&1"):format(arg[-1] or "lua5.4", name))
    said = run:read "a"
    run:close()
  end)

  for line in io.lines "kernel/test_kernel.py" do
    local test = line:match "def (test_%w+)%(" or line:match "def (test_[%w_]+)%("
    if test then
      it((test:gsub("^test_", ""):gsub("_", " ")), function()
        local verdict = said:match(test .. " [^\n]-%.%.%.(.-)\ntest_") or said:match(test .. " [^\n]-%.%.%.(.*)$") or ""
        assert(verdict:find "%f[%w]ok%f[%W]", said)
      end)
    end
  end
end)
