// Package zh is the catalogue of the command's texts in Chinese. Its keys are the English texts; of long help, which is in
// the commands alone, the names of the commands.
package zh

import (
	"maps"
	"sync"
)

// Texts are all texts.
var Texts = sync.OnceValue(func() map[string]string {
	all := map[string]string{}
	for _, part := range []map[string]string{help, flags, contract, explanations, rooms, rowTexts, runTexts, Foreign} {
		maps.Copy(all, part)
	}
	return all
})
