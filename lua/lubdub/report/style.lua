--- How the page looks: on a wide screen, on a phone, and on paper.
-- @module lubdub.report.style
local colours = {
  light = "--paper:#fff;--ink:#222;--soft:#5a5a5a;--line:#d9d9d9;--band:#f4f6f8;--mark:#0059a8;--bad:#a33a00;"
    .. "--good:#00664a",
  dark = "--paper:#16181d;--ink:#e4e4e4;--soft:#a8abb2;--line:#3c4048;--band:#1f232b;--mark:#7cc4f5;--bad:#f5a06a;"
    .. "--good:#62d3ac",
}

local rules = [[
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0 auto;padding:1rem 1.25rem 3rem;max-width:62rem;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
h1{font-size:1.7rem;line-height:1.2;margin:.5rem 0}
h2{font-size:1.25rem;margin:2.2rem 0 .6rem;padding-top:.6rem;border-top:1px solid var(--line)}
h3{font-size:1rem;margin:1.2rem 0 .4rem;overflow-wrap:anywhere}
p,li{max-width:46rem;overflow-wrap:anywhere}
.soft{color:var(--soft)}
.bad{color:var(--bad);font-weight:600}
.good{color:var(--good);font-weight:600}
nav{font-size:.9rem;margin:.6rem 0}
nav a{color:var(--mark);margin-right:.9rem;white-space:nowrap;display:inline-block}
.facts{display:flex;flex-wrap:wrap;gap:.7rem;margin:1rem 0;padding:0;list-style:none}
.facts li{background:var(--band);border-radius:6px;padding:.6rem .9rem;flex:1 1 9rem}
.facts b{display:block;font-size:1.45rem;line-height:1.3}
.facts small{color:var(--soft);display:block}
.wide{overflow-x:auto;margin:.6rem 0}
table{border-collapse:collapse;font-size:.92rem;font-variant-numeric:tabular-nums}
th,td{padding:.3rem .7rem;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th:first-child,td:first-child{text-align:left}
tbody th{font-weight:400}
td small{color:var(--soft)}
.text td,.text th{white-space:normal;text-align:left;vertical-align:top;overflow-wrap:anywhere}
.text th{min-width:8rem}
pre{background:var(--band);padding:.8rem;border-radius:6px;overflow-x:auto;font:12.5px/1.35 "DejaVu Sans Mono",
ui-monospace,Menlo,Consolas,monospace}
figure{margin:.6rem 0}
figcaption{color:var(--soft);font-size:.88rem;max-width:46rem}
img{max-width:100%;height:auto;display:block}
.pair{display:flex;flex-wrap:wrap;gap:1rem;align-items:flex-start}
.pair>figure{flex:0 1 27rem;min-width:0}
.mistake{border:1px solid var(--line);border-radius:6px;padding:.2rem 1rem 1rem;margin:1rem 0}
audio{width:100%;max-width:30rem;display:block;margin:.5rem 0}
.missing{background:var(--band);border-left:3px solid var(--bad);padding:.5rem .8rem;font-size:.92rem}
footer{margin-top:3rem;border-top:1px solid var(--line);padding-top:.8rem;font-size:.88rem;color:var(--soft)}
@media (max-width:480px){body{padding:.6rem .8rem 2rem;font-size:15px}h1{font-size:1.4rem}
.pair>figure{flex-basis:100%}th,td{padding:.3rem .45rem}pre{font-size:9.5px}}
@media print{body{max-width:none;padding:0;font-size:10.5pt}nav,audio{display:none}
h2,h3{break-after:avoid}figure,.mistake,tr,.facts,.missing{break-inside:avoid}
.wide,pre{overflow:visible}pre{font-size:7.5pt;white-space:pre-wrap}.pair{display:grid;grid-template-columns:1fr 1fr}
.mistake .pair{grid-template-columns:1fr 1fr 1fr;gap:.4rem}figcaption{font-size:8pt}
table{font-size:9pt}figure img{max-height:11cm;width:auto}}
]]

--- The style sheet of a theme.
-- @tparam string theme "light" or "dark"
-- @treturn string
return function(theme)
  local screen = (":root{color-scheme:%s;%s}\n%s"):format(theme, colours[theme], rules)
  return theme == "light" and screen or ("%s@media print{:root{%s}}\n"):format(screen, colours.light) -- paper is white
end
