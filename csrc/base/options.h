/* options.h - options as data.
 *
 * Everything that takes options (a layer, an optimizer, a feature plan, the synthesizer) keeps
 * them in a plain struct and describes its fields in a table of lub_option. From that one table a
 * binding reads options, fills defaults, refuses unknown names and wrong values, prints the
 * object and gives its configuration back. */
#ifndef LUB_BASE_OPTIONS_H
#define LUB_BASE_OPTIONS_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/shape.h"

typedef enum lub_option_type {
  LUB_OPTION_INT,    /* int64_t */
  LUB_OPTION_NUMBER, /* double */
  LUB_OPTION_BOOL,   /* bool */
  LUB_OPTION_CHOICE, /* int: index into choices */
  LUB_OPTION_INTS,   /* int64_t[count]; one number stands for all */
  LUB_OPTION_PAIRS,  /* int64_t[2 * count]; one number stands for all, a list of `count` for both of each pair */
  LUB_OPTION_SHAPE,  /* lub_shape; none: no dimensions */
  LUB_OPTION_AXES,   /* lub_shape: one axis, given as a number, or a list of them */
  LUB_OPTION_OBJECT, /* lub_object: one of several kinds, each with options of its own */
  LUB_OPTION_LAYER   /* lub_inner_layer (nn/layer.h): a layer that this one wraps */
} lub_option_type;

/* What an option holds where its value is None (false in Lua). */
#define LUB_NONE_INT INT64_MIN
#define LUB_NONE_CHOICE (-1)
/* NUMBER: NAN, see isnan(); LAYER: a kind of NULL */

/* A small object that an option holds, such as an initializer: its kind and the kind's own options, as they
 * stand in a struct of at most LUB_OBJECT_BYTES. Own options are not OBJECTs themselves. */
#define LUB_OBJECT_BYTES 96

typedef struct lub_object {
  int kind; /* index into the option's kinds; LUB_NONE_CHOICE: none */
  _Alignas(8) unsigned char options[LUB_OBJECT_BYTES];
} lub_object;

typedef struct lub_object_kind {
  const char *name;                 /* "he_normal" */
  const char *class_name;           /* "HeNormal", which is accepted too */
  const struct lub_option *options; /* of LUB_OBJECT_BYTES at most */
} lub_object_kind;

typedef struct lub_option {
  const char *name;
  const char *alias; /* another accepted name, or NULL */
  lub_option_type type;
  size_t offset;     /* of the field in the options struct */
  bool required;     /* no default */
  bool nullable;     /* None is a value */
  bool none;         /* None is the default */
  double fallback;   /* the default; of INTS and PAIRS, of every element; of CHOICE and OBJECT, the index */
  double min, max;   /* inclusive bounds of INT, INTS, PAIRS, NUMBER, AXES, open sizes; ignored where min == max */
  bool below_max;    /* max itself is excluded */
  int count;         /* INTS, PAIRS: how many (at most LUB_MAX_DIMS) */
  bool negative;     /* SHAPE: -1 is a size */
  bool open;         /* SHAPE: a size may be None, which is kept as -1 */
  const char *const *choices; /* CHOICE: names, NULL at the end */
  const lub_object_kind *kinds; /* OBJECT: a kind without a name at the end */
} lub_option;

/* The end of a table of options. */
#define LUB_OPTIONS_END {.name = NULL}

/* Fills every field of `options` with its default. */
void lub_options_defaults(const lub_option *table, void *options);

/* Whether a field holds its option's default. */
bool lub_option_at_default(const lub_option *option, const void *field);

/* The name in NULL-terminated `names` nearest to `wrong` by edit distance, or NULL where none is near. */
const char *lub_nearest_name(const char *wrong, const char *const *names);

#endif
