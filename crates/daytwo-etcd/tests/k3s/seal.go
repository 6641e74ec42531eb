// Seals as K3s does (pkg/cluster/encrypt.go at 0c5577a8ec32), by Go's own libraries, for the tests.
//
// Reads JSON {"passphrase", "salt", "plain" (base64)}; prints the sealed value.
package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	var ask struct {
		Passphrase, Salt string
		Plain            []byte
	}
	check(json.NewDecoder(os.Stdin).Decode(&ask))
	key, err := pbkdf2.Key(sha1.New, ask.Passphrase, []byte(ask.Salt), 4096, 32)
	check(err)
	block, err := aes.NewCipher(key)
	check(err)
	gcm, err := cipher.NewGCM(block)
	check(err)
	nonce := make([]byte, gcm.NonceSize())
	_, err = rand.Read(nonce)
	check(err)
	fmt.Print(ask.Salt + ":" + base64.StdEncoding.EncodeToString(gcm.Seal(nonce, nonce, ask.Plain, nil)))
}
