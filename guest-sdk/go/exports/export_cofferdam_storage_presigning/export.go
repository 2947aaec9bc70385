// Package export_cofferdam_storage_presigning is what the bindings call for the interface presigning.
package export_cofferdam_storage_presigning

import (
	"time"

	types "cofferdam/bindings/cofferdam_storage_store_types"

	cofferdam "github.com/cofferdam/cofferdam/guest-sdk/go"
	wit "github.com/cofferdam/cofferdam/guest-sdk/go/wit/types"
)

func init() {
	cofferdam.Require(func(s *cofferdam.Stores) string {
		if s.Presign == nil {
			return "presigning (presign), but Presign"
		}
		return ""
	})
}

// Presign makes a URL.
func Presign(path string, access uint8, seconds uint32) wit.Result[string, types.Error] {
	url, err := "", cofferdam.CheckPath(path)
	if err == nil {
		url, err = cofferdam.Current().Presign.Presign(path, cofferdam.Access(access), time.Duration(seconds)*time.Second)
	}
	return cofferdam.Answer("presigning.presign", url, err)
}
