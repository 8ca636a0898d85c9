-- The engine beside its peers, in one run: medians of alternating turns, as ratios.
--   lua5.4 bench/engine.lua [ROUNDS] [NET ...]     NET: notebook, batchnorm, lstm; all by default
-- It shows training and prediction on one thread and two, for each kind of kernels that this CPU has, beside PyTorch,
-- Keras on TensorFlow and ONNX Runtime (`make peers`; PYTHON says which interpreter). Beside kernels that are not the
-- CPU's best, peers too are held to such instructions. bench/limit.lua shows how near the peak this is.
--
-- Turns are made fair so: every contestant is a process of its own, since the thread pools of two peers in one process
-- fight each other; and before each turn all is quiet for 0.3 s, longer than the threads of OpenMP (0.2 s by default),
-- TensorFlow and ONNX Runtime go on spinning. Then a contestant does its work several times over, first once untimed,
-- so that its own threads may spin as they like: each peer is seen at its defaults, its best when nobody else runs.
local here = (arg[0]:match "^(.*)/" or ".") .. "/../"
package.path = here .. "lua/?.lua;" .. here .. "lua/?/init.lua;" .. package.path
package.cpath = here .. "lua/?.so;" .. package.cpath
local lubdub = require "lubdub"

local rounds = math.tointeger(arg[1]) or 5
local nets = #arg > 1 and table.move(arg, 2, #arg, 1, {}) or { "notebook", "batchnorm", "lstm" }
local lua = os.getenv "LUA" or "lua5.4"
local python = os.getenv "PYTHON" or here .. ".peers/bin/python"
local variants = select(2, lubdub.cpu())

-- What is compared for each net, and with whom; for how many threads a ratio is promised ("asked"), and which.
local tasks = {
  notebook = {
    { "train", 128, { "torch", "keras" }, asked = { { torch = 4 }, { torch = 6, keras = 10 } } },
    { "train", 32, { "torch" }, asked = { { torch = 4 }, { torch = 5 } } },
    { "predict", 128, { "onnx", "torch" }, asked = { {}, { onnx = 1.7 } } },
    { "predict", 1, { "onnx", "torch" }, asked = { {}, { onnx = 1.5 } } },
  },
  batchnorm = {
    { "train", 128, { "torch" }, asked = { {}, { torch = 1.5 } } },
    { "train", 32, { "torch" }, asked = { {}, { torch = 1.5 } } },
    { "predict", 128, { "onnx" }, asked = { {}, { onnx = 1.7 } } },
    { "predict", 1, { "onnx" }, asked = { {}, { onnx = 1.5 } } },
  },
  lstm = { { "train", 32, { "keras" }, asked = { {}, { keras = 2 } } } },
}

-- Answers come through a file that the pipe's other end writes line by line.
local function open_process(command)
  local path = os.tmpname()
  os.remove(path)
  assert(os.execute("mkfifo " .. path))
  local process = { path = path, ask = assert(io.popen(("%s > %s 2>/dev/null"):format(command, path), "w")) }
  process.answer = assert(io.open(path))
  return process
end

-- glibc gives large blocks back and zeroes them again at every step, unless it is told otherwise before it starts; that
-- is PyTorch's greatest cost by default.
local MALLOC = "MALLOC_MMAP_THRESHOLD_=1073741824 MALLOC_TRIM_THRESHOLD_=4294967296"

-- What keeps a peer to the instructions of a variant that is not the CPU's best.
local HELD = { avx2 = "HOLD_ONNX=avx2 ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 MKL_ENABLE_INSTRUCTIONS=AVX2 "
  .. "XLA_FLAGS=--xla_cpu_max_isa=AVX2" }

local function open_peer(who, net, threads, held)
  return open_process(("env %s %s %s %sbench/engine.py %s %s %d"):format(held, MALLOC, python, here, who, net, threads))
end

local function close(process)
  process.ask:close()
  process.answer:close()
  os.remove(process.path)
end

-- Seconds of one run, or nil where the contestant cannot.
local function run_once(process, what, n)
  process.ask:write(what, " ", n, "\n")
  process.ask:flush()
  return tonumber(process.answer:read "l" or "")
end

local TURN = 0.3 -- seconds

local function take_turn(process, what, n, times)
  os.execute "sleep 0.3"
  if not run_once(process, what, n) then return end
  local spent, runs = 0, 0
  while runs == 0 or spent < TURN and runs < 50 do
    local seconds = run_once(process, what, n)
    times[#times + 1], spent, runs = seconds, spent + seconds, runs + 1
  end
end

local function median(list)
  table.sort(list)
  return list[(#list + 1) // 2]
end

-- Seconds of our kernels, to tell what the second thread brings.
local alone = {}

local function report(net, threads, task, variant, held, times)
  local what, n, peers, asked = task[1], task[2], task[3], task.asked[threads]
  local own, key = median(times[1]), table.concat({ net, what, n, variant }, " ")
  local text = ("%-9s %-7s batch %-3d %d thread%s %-6s %9.3f ms"):format(net, what, n, threads,
    threads == 1 and " " or "s", variant, own * 1e3)
  if threads == 1 then alone[key] = own
  else text = text .. (", %.2f of one thread"):format(alone[key] / own) end
  for k, peer in ipairs(peers) do
    local other = median(times[1 + k])
    local name = peer .. (held ~= "" and " held to " .. variant or "")
    text = text .. (other and (" | %s %.3f ms: %.2f times"):format(name, other * 1e3, other / own)
      or (" | %s is missing"):format(peer))
    if asked[peer] then text = text .. (" (asked %g)"):format(asked[peer]) end
  end
  print(text)
end

local function compare(net, threads, variant)
  local held = variant ~= variants[#variants] and HELD[variant] or ""
  local ours = open_process(("LUBDUB_CPU=%s %s %sbench/contestant.lua %s %d"):format(variant, lua, here, net, threads))
  local peers = {}
  for _, task in ipairs(tasks[net]) do
    local times, turns = {}, { ours }
    for _, peer in ipairs(task[3]) do
      peers[peer] = peers[peer] or open_peer(peer, net, threads, held)
      turns[#turns + 1] = peers[peer]
    end
    for i = 1, #turns do times[i] = {} end
    for _ = 1, rounds do
      for i, process in ipairs(turns) do take_turn(process, task[1], task[2], times[i]) end
    end
    report(net, threads, task, variant, held, times)
  end
  close(ours)
  for _, process in pairs(peers) do close(process) end
end

io.stdout:setvbuf "line"
print(("medians of %d alternating turns; a ratio says how many times faster lubdub is"):format(rounds))
for _, net in ipairs(nets) do
  if not tasks[net] then error(net .. " is no net; expected notebook, batchnorm or lstm", 0) end
  for _, variant in ipairs(variants) do
    for threads = 1, variant ~= "plain" and 2 or 0 do compare(net, threads, variant) end
  end
end
