// Package export_cofferdam_storage_generator is what the bindings call for the interface generator.
package export_cofferdam_storage_generator

import (
	types "cofferdam/bindings/cofferdam_storage_store_types"

	cofferdam "github.com/cofferdam/cofferdam/guest-sdk/go"
	wit "github.com/cofferdam/cofferdam/guest-sdk/go/wit/types"
)

func init() {
	cofferdam.Require(func(s *cofferdam.Stores) string {
		if s.Generator == nil {
			return "generator (pull, close), but Generator"
		}
		return ""
	})
}

// Pull answers the next bytes.
func Pull(cursor uint64, max uint32) wit.Result[[]uint8, types.Error] {
	bytes, err := cofferdam.Current().Generator.Pull(cursor, int(max&(1<<31-1)))
	return cofferdam.Answer("generator.pull", bytes, err)
}

// Close ends a cursor.
func Close(cursor uint64) { cofferdam.Current().Generator.Close(cursor) }
