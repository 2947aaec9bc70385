module dedup-directory

go 1.25

require (
	cofferdam/bindings v0.0.0
	github.com/cofferdam/cofferdam/guest-sdk/go v0.0.0
)

// Written by `cofferdam build`.
replace (
	cofferdam/bindings => ./.cofferdam/bindings
	github.com/cofferdam/cofferdam/guest-sdk/go => ./.cofferdam/sdk
)
