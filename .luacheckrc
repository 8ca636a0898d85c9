std = "lua54"
max_line_length = 120
files["spec"] = { std = "lua54+busted" }
files["kernel"] = { globals = { "ilua" } }
exclude_files = { "build", "out", ".peers" }
