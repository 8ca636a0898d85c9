rockspec_format = "3.0"
package = "lubdub"
version = "scm-1"
source = {
  url = "git+file://.", -- from a checkout: luarocks --lua-version 5.4 make
}
description = {
  summary = "Sound classifiers, heart sounds first: recordings, MFCCs, convolutional networks, reports",
  detailed = [[
lubdub loads recordings, turns them into MFCCs, trains a convolutional network and reports how good it is, with the
names and the numbers of librosa, Keras and scikit-learn. Models are saved in Keras' HDF5 layout. The hot loops are C,
parallel and vectorized; everything that decides is Lua to read.
Building needs pkg-config and the headers of libsndfile, libsoxr, kissfft, OpenBLAS, zlib, HDF5 and libzip; plots need
gnuplot.]],
  license = "MIT",
  labels = { "audio", "machine-learning", "neural-networks", "mfcc" },
}
supported_platforms = { "unix" }
dependencies = {
  "lua >= 5.4, < 5.5",
  "luafilesystem >= 1.8",
  "dkjson >= 2.5",
}
external_dependencies = {
  PKG_CONFIG = { program = "pkg-config" },
  SNDFILE = { header = "sndfile.h", library = "sndfile" },
  SOXR = { header = "soxr.h", library = "soxr" },
  KISSFFT = { library = "kissfft-float" },
  OPENBLAS = { library = "openblas" },
  ZLIB = { header = "zlib.h", library = "z" },
  HDF5 = { library = "hdf5*" },
  LIBZIP = { header = "zip.h", library = "zip" },
}
build = {
  type = "make",
  -- Folders of its own: a checkout's objects and libraries stay what they were.
  variables = {
    BUILD = "build/rock",
    SO = "build/rock/lubdub",
    CC = "$(CC)",
    CFLAGS = "$(CFLAGS)",
    LIBFLAG = "$(LIBFLAG)",
    LUA_INCDIR = "$(LUA_INCDIR)",
  },
  install_variables = {
    INST_LUADIR = "$(LUADIR)",
    INST_LIBDIR = "$(LIBDIR)",
  },
  copy_directories = {},
}
test = {
  type = "command",
  command = "make test",
}
