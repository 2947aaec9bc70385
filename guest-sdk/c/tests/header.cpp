// Shows that a driver may be C++: the header compiles, and the struct that it fills has the linkage that cofferdam.c expects.
#include "cofferdam.h"

namespace {

bool health(cd_error *err) { return cd_fail(err, CD_UNAVAILABLE, "no backend in %s", "C++"); }

bool stat(cd_string path, cd_object_info *out, cd_error *err) {
  cd_assert(path.len > 0);
  if (cd_is_path(path)) return cd_not_found(err, path);
  *out = cd_object(path, 0, cd_now(), cd_text("1"));
  return true;
}

cd_driver make() {
  cd_driver driver = {};
  driver.name = "cpp";
  driver.version = "0.1.0";
  driver.health = health;
  driver.streaming.stat = stat;
  return driver;
}

}  // namespace

const cd_driver cofferdam_driver = make();
