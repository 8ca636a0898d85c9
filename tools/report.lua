--- How busted reports here: a line per spec file while it runs; then what was skipped and what failed, with reasons;
-- and last one plain line, `N passed, N failed, N skipped`. Errors outside a test (a spec that does not load) count
-- as failed.
return function(options)
  local busted = require "busted"
  local handler = require "busted.outputHandlers.base"()
  local started, before

  local function counts()
    return handler.successesCount, handler.failuresCount + handler.errorsCount, handler.pendingsCount
  end

  -- tools/test.sh reads the last one of these lines where the process dies.
  local function write(...)
    io.stdout:write(...)
    io.stdout:flush()
  end

  local function text(message)
    if type(message) == "string" then return message end
    return message == nil and "no message" or require("pl.pretty").write(message)
  end

  local function where(case)
    local trace = case.element.trace or case.trace
    return trace and trace.short_src and ("%s:%d: "):format(trace.short_src, trace.currentline) or ""
  end

  local function file_start(file)
    started, before = busted.monotime(), { counts() }
    write(("%-44s"):format(file.name))
    return nil, true
  end

  local function file_end()
    local now, parts = { counts() }, {}
    for i, word in ipairs { "passed", "failed", "skipped" } do
      local n = now[i] - before[i]
      if n > 0 or i == 1 then parts[#parts + 1] = ("%d %s"):format(n, word) end
    end
    write(("%s (%.1f s)\n"):format(table.concat(parts, ", "), busted.monotime() - started))
    return nil, true
  end

  local function suite_end()
    for _, case in ipairs(handler.pendings) do
      local reason = case.message and text(case.message):gsub("^[^\n]-:%d+: ", "")
      write(("\nskipped: %s%s%s\n"):format(where(case), case.name, reason and "\n" .. reason or ""))
    end
    for _, list in ipairs { handler.failures, handler.errors } do
      for _, case in ipairs(list) do
        write(("\nFAILED: %s%s\n%s\n"):format(where(case), case.name, text(case.message)))
        if options.verbose and case.trace and case.trace.traceback then write(case.trace.traceback, "\n") end
      end
    end
    write(("\n%d passed, %d failed, %d skipped\n"):format(counts()))
    return nil, true
  end

  busted.subscribe({ "file", "start" }, file_start)
  busted.subscribe({ "file", "end" }, file_end)
  busted.subscribe({ "suite", "end" }, suite_end)
  return handler
end
