// The collector is driven hard while the host calls: added to the small file store by controls.sh.

package main

import (
	"bytes"
	"hash/crc32"
	"io"
	"runtime"
	"runtime/debug"

	cofferdam "github.com/cofferdam/cofferdam/guest-sdk/go"
	"github.com/cofferdam/cofferdam/guest-sdk/go/files"
)

// kept is a heap that a collection has to walk through; each list is checked before it is let go.
var kept [64]*node

var turn int

type node struct {
	next *node
	mark int
}

// trash makes garbage and checks old lists: a heap that was freed under us is noticed here.
func trash() {
	turn++
	slot := &kept[turn%len(kept)]
	for n, at := 199, *slot; at != nil; n, at = n-1, at.next {
		if at.mark != n {
			panic("the heap is damaged")
		}
	}
	var head *node
	for n := range 200 {
		head = &node{head, n}
	}
	*slot = head
	_ = make([]byte, 64<<10)
}

// stressed configures the small file store with a goroutine beside it that calls imports whenever it is let.
func stressed(settings cofferdam.Settings) (*cofferdam.Stores, error) {
	debug.SetGCPercent(10)
	go func() {
		for {
			if info, err := files.Stat(root); err == nil && info.Name != "data" {
				panic("a name that the host answered is damaged: " + info.Name)
			}
			trash()
			runtime.Gosched()
		}
	}()
	stores, err := configure(settings)
	if err == nil {
		stores.Objects, stores.Values = churned{}, shaken{}
	}
	return stores, err
}

// churned reads each content through the driver and compares it with what the host says of it.
type churned struct{ objects }

func (c churned) Put(path string, content *cofferdam.Content, condition cofferdam.Condition) (cofferdam.ObjectInfo, error) {
	want, err := content.Digest("crc32c")
	if err == nil {
		sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
		reader := struct{ io.Reader }{content.Reader()} // without WriteTo: small reads
		if _, err := io.CopyBuffer(struct{ io.Writer }{sum}, reader, make([]byte, 8<<10)); err != nil {
			return cofferdam.ObjectInfo{}, err
		}
		trash()
		if !bytes.Equal(sum.Sum(nil), want) {
			panic("the bytes that the driver read of " + path + " are not those that the host holds")
		}
	}
	return c.objects.Put(path, content, condition)
}

func (c churned) List(prefix string, options cofferdam.ListOptions) (cofferdam.Page, error) {
	page, err := c.objects.List(prefix, options)
	trash()
	return page, err
}

// shaken collects between the answer of a value and its way out.
type shaken struct{ values }

func (s shaken) Get(key string) (cofferdam.Value, error) {
	value, err := s.values.Get(key)
	trash()
	return value, err
}

func (s shaken) Put(key string, data []byte, condition cofferdam.Condition) (string, error) {
	trash()
	return s.values.Put(key, data, condition)
}
