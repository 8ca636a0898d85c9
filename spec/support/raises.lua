--- assert_raises(f, ...): f() fails, and its message holds all of the given pieces.
return function(f, ...)
  local done, message = pcall(f)
  assert(not done, "no error was raised")
  for _, piece in ipairs { ... } do
    if not message:find(piece, 1, true) then error(("%q lacks %q"):format(message, piece), 2) end
  end
end
