--- Colours. Curves use Okabe and Ito's set, maps change steadily in lightness: colour-blind eyes and grey printers
-- read both.
-- @module lubdub.plot.theme
local theme = {}

-- Each theme: background, text, faint (grid and frames), curves (a list), and map: colours from the lowest value to
-- the highest. Colours are 0xRRGGBB.
local themes = {
  light = {
    background = 0xFFFFFF,
    text = 0x222222,
    faint = 0xD9D9D9,
    curves = { 0x0072B2, 0xD55E00, 0x009E73, 0xCC79A7, 0xE69F00, 0x56B4E9, 0x222222 },
    map = { 0xF7FAFD, 0xDCE8F3, 0xB4D0E7, 0x7FB0D8, 0x4A8DC3, 0x2368A8, 0x0C4485, 0x08265A },
  },
  dark = {
    background = 0x16181D,
    text = 0xE4E4E4,
    faint = 0x3C4048,
    curves = { 0x56B4E9, 0xE69F00, 0x33C29A, 0xE29CC4, 0xF0E442, 0xE8794A, 0xF2F2F2 },
    map = { 0x1B2333, 0x1F3556, 0x3A4D6B, 0x60666F, 0x848274, 0xAC9F6B, 0xD6BE57, 0xFDE66A },
  },
}

-- The map of sound pictures (spectrograms, MFCC), dark to bright in both themes.
theme.sound = { 0x0B0724, 0x2A115C, 0x5A1B74, 0x8C2B6E, 0xBE3C57, 0xE35F3C, 0xF69A26, 0xFBE36A }

-- What a network looked at, over a grey picture: from nothing much to all of it (after cividis and viridis).
theme.heat = { 0x00224E, 0x35456C, 0x666970, 0x948E77, 0xC8B866, 0xFEE838 }

theme.names = { "light", "dark" }

function theme.get(name) return themes[name] end

function theme.hex(colour) return ("#%06X"):format(colour) end

local function channels(colour) return colour >> 16, colour >> 8 & 255, colour & 255 end

--- `part` (0 to 1) of the way from one colour to another.
function theme.blend(from, to, part)
  local r1, g1, b1 = channels(from)
  local r2, g2, b2 = channels(to)
  local function blend(a, b) return math.floor(a + (b - a) * part + 0.5) end
  return blend(r1, r2) << 16 | blend(g1, g2) << 8 | blend(b1, b2)
end

--- The colour of `share` (0 to 1) on a map, as gnuplot blends it.
function theme.at(map, share)
  local place = math.min(math.max(share, 0), 1) * (#map - 1)
  local i = math.min(math.floor(place), #map - 2)
  return theme.blend(map[i + 1], map[i + 2], place - i)
end

local function luminance(colour)
  local function linear(c)
    c = c / 255
    return c <= 0.04045 and c / 12.92 or ((c + 0.055) / 1.055) ^ 2.4
  end
  local r, g, b = channels(colour)
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
end

--- White where it stands out enough on `colour` (contrast of WCAG 2, which rates black on blue too high), else black.
function theme.on(colour)
  return 1.05 / (luminance(colour) + 0.05) >= 3.5 and 0xFFFFFF or 0x111111
end

return theme
