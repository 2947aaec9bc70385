// Package export_cofferdam_storage_copying is what the bindings call for the interface copying.
package export_cofferdam_storage_copying

import (
	types "cofferdam/bindings/cofferdam_storage_store_types"

	cofferdam "github.com/cofferdam/cofferdam/guest-sdk/go"
	wit "github.com/cofferdam/cofferdam/guest-sdk/go/wit/types"
)

func init() {
	cofferdam.Require(func(s *cofferdam.Stores) string {
		if s.Copying == nil {
			return "copying (copy), but Copying"
		}
		return ""
	})
}

// Copy checks the paths and asks the driver.
func Copy(source, destination string, condition types.Condition) wit.Result[types.ObjectInfo, types.Error] {
	info, err := cofferdam.ObjectInfo{}, cofferdam.CheckPath(source)
	if err == nil {
		err = cofferdam.CheckPath(destination)
	}
	if err == nil {
		info, err = cofferdam.Current().Copying.Copy(source, destination, cofferdam.ConditionFromWIT(condition))
	}
	return cofferdam.Answer("copying.copy", cofferdam.InfoToWIT(info), err)
}
