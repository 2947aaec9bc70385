module github.com/cofferdam/cofferdam/guest-sdk/go

go 1.25
