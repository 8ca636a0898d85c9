--- Features of live sound, frame by frame from blocks of any size: the same bits as from the whole recording.
--
--    local live = lubdub.stream(lubdub.MFCC { n_mfcc = 13, top_db = false }, { deltas = { order = 2 } })
--    for block in microphone do                      -- Tensors (samples,) at the plan's sr
--      for t, frame in live:push(block) do ... end   -- frame t, from 1; a Tensor (rows,), of STFT (bins, 2)
--    end
--    for t, frame in live:flush() do ... end         -- the frames that reach beyond the end
--
-- `frame` is one Tensor that every frame overwrites: `frame:clone()` keeps it. Frames that a loop leaves behind come
-- with the next one. Nothing is allocated from block to block. `live:reset()` begins anew.
--
-- Frame t comes with the sample that is `live.latency` samples after its time, (t - 1) * hop_length: n_fft / 2 where
-- frames are centred (one more with pad_mode "reflect"), n_fft where not. With deltas, (width - 1) / 2 hops later;
-- in mode "interp" the frames before the middle of the first full window come together with that one.
-- `live.rows`, `live.frames` (given so far) and `live.sr` tell the rest.
-- @module lubdub.stream
-- @usage
-- local live = lubdub.stream(lubdub.MFCC { sr = 4000, n_mfcc = 13, top_db = false })
-- for t, frame in live:push(signal) do print(t, frame:max()) end
local blame = require "lubdub.blame"
local core = require "lubdub.core"
local options = require "lubdub.options"
local outward = require "lubdub.outward"

local stream = {}

--- A new stream.
-- @tparam Plan plan lubdub.MFCC { top_db = false } or another; a step that needs the whole clip is refused
-- @tparam ?table given deltas (false; or { order = 1, width = 9, mode = "interp" }: the deltas of order 1 to `order`
-- stand behind the features of each frame, as the step "deltas" of lubdub.preprocessing puts them)
-- @treturn Stream
-- @usage
-- local live = lubdub.stream(lubdub.MFCC { sr = 4000, n_mfcc = 13, top_db = false })
-- for t, frame in live:push(signal) do print(t, frame:max()) end
function stream.new(plan, given)
  if type(plan) ~= "userdata" or not plan.kind then
    blame("stream: expected a feature plan such as lubdub.MFCC { top_db = false }, got %s", type(plan))
  end
  local o = options.read("stream", given, { deltas = false })
  return outward(core.stream.new, plan, o.deltas or nil)
end

return stream
