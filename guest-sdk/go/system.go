// The host's clock, randomness and log.

package cofferdam

import (
	"time"

	"cofferdam/bindings/cofferdam_storage_system"
)

// Level is how much a message matters.
type Level uint8

// The levels of the host's log.
const (
	Trace = Level(cofferdam_storage_system.LevelTrace)
	Debug = Level(cofferdam_storage_system.LevelDebug)
	Info  = Level(cofferdam_storage_system.LevelInfo)
	Warn  = Level(cofferdam_storage_system.LevelWarn)
	Fault = Level(cofferdam_storage_system.LevelError)
)

// Log writes to the host's log, marked with the driver's name.
func Log(level Level, message string) { cofferdam_storage_system.Log(uint8(level), message) }

// Now is the host's time.
func Now() time.Time { return Timestamp(cofferdam_storage_system.Now()) }

// Random answers random bytes, fit for keys: at most 64 KiB.
func Random(length int) []byte { return cofferdam_storage_system.Random(uint32(length)) }

// Hex writes bytes in hexadecimal.
func Hex(bytes []byte) string {
	const digits = "0123456789abcdef"
	out := make([]byte, 0, 2*len(bytes))
	for _, b := range bytes {
		out = append(out, digits[b>>4], digits[b&15])
	}
	return string(out)
}
