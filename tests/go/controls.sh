#!/bin/sh
# Proves that the Go runtime support stands under a hard-driven collector, and that the test would notice if it did not.
#
# controls.sh COFFERDAM BUILD: run from the top of the repository. COFFERDAM is the command line tool, BUILD a command that is called
# as `BUILD PROJECT WORLD SDK OUT.wasm` and makes the component of a project with the SDK in the folder SDK (see README.md).
#
# ok         as it is                                                  must pass
# ok-gc      a full collection after every import and allocation       must pass
# neg-keep   ok-gc, and memory that the host filled is not kept        must fail
# neg-sched  cabi_realloc may let another goroutine run                must fail
#
# The cases are few, since a collection at each step makes a case of thousands of calls take minutes. CASES and CONTROLS choose others.
set -eu
cofferdam=$(realpath "$1"); build=$2; top=$PWD
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
failed=0
for control in ${CONTROLS:-ok ok-gc neg-keep neg-sched}; do
  project=$work/$control; sdk=$work/sdk-$control
  cp -r "$top/guest-sdk/go/template" "$project"; cp -r "$top/guest-sdk/go" "$sdk"; rm -rf "$sdk/template"
  cp "$top/tests/go/stress.go" "$project/"
  grep -rl '{{name}}' "$project" | xargs sed -i 's/{{name}}/stress/g'
  sed -i 's/Configure: configure}/Configure: stressed}/' "$project/driver.go"
  grep -q 'Configure: stressed}' "$project/driver.go"
  runtime=$sdk/wit/runtime/runtime.go; before=$(cksum <"$runtime")
  case $control in neg-keep) sed -i 's/p.got, given = given, nil/given = nil/' "$runtime";; esac
  case $control in neg-sched) sed -i 's/^\tprocPin()$//; s/^\tprocUnpin()$//' "$runtime";; esac
  case $control in *-gc | neg-keep) sed -i 's/^import "unsafe"/import (\n\tgort "runtime"\n\t"unsafe"\n)/; s/^\tif fresh >= 1<<20 {/\tgort.GC()\n&/; s/^\tp.Pin(x)$/&\n\tgort.GC()/' "$runtime";; esac
  if [ $control != ok ] && [ "$(cksum <"$runtime")" = "$before" ]; then echo "$control: runtime.go is not as this script knows it"; exit 1; fi
  $build "$project" small-file-store "$sdk" "$work/$control.wasm" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
  # A collection after each import takes its time: only a fault may end a call.
  printf '\n[limits]\ncpu = "600s"\nno-progress = "600s"\n' >>"$project/grant.toml"
  mkdir -p "$project/data"; result=passed
  (cd "$project" && timeout 500 "$cofferdam" certify "$work/$control.wasm" --grant grant.toml -q $(for c in ${CASES:-put.overwrite open.ranges list.children list.recursive atomic.round-trip atomic.if-match}; do echo "--case $c"; done)) >"$work/log" 2>&1 || result=failed
  echo "$control: $result ($(tail -1 "$work/log"))"
  case $control:$result in ok*:passed | neg*:failed) ;; *) failed=1; grep -A3 FAILED "$work/log" | head -20;; esac
  if grep -q 'CPU budget\|deadline' "$work/log"; then echo "$control: it ran out of time, which says nothing"; failed=1; fi
  case $control in neg*) grep -m2 -oE 'found (bad )?pointer[^,;]*|cannot leave component instance|heap is damaged|are not those|panic: .*|fatal error: .*|(driver stress).*' "$work/log" | sed 's/^/    /' || true;; esac
done
exit $failed
