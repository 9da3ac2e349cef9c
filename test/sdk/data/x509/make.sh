#!/bin/sh
# Made the certificates beside it with OpenSSL 3, once; the keys were thrown away. Each file: the device's first, then those above.
set -e
work=$(mktemp -d)
DID=did:tenon:31337:abababababababababababababababababababababababababababababababab
cat > $work/ext <<END
[ca]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[issuing]
basicConstraints = critical, CA:true, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[device]
basicConstraints = CA:false
keyUsage = critical, digitalSignature
authorityKeyIdentifier = keyid
subjectAltName = URI:$DID
[plain]
basicConstraints = CA:false
keyUsage = critical, digitalSignature
authorityKeyIdentifier = keyid
END
key() { # name, openssl genpkey options
  name=$1; shift; openssl genpkey -out $work/$name.key "$@" 2>/dev/null
}
cert() { # name, its issuer, section, options
  name=$1; issuer=$2; section=$3; shift 3
  openssl req -new -key $work/$name.key -subj "/C=CN/O=Heavy Works/CN=$name/serialNumber=EC-0001" -out $work/$name.csr
  if [ $name = $issuer ]; then by="-key $work/$name.key"; else by="-CA $work/$issuer.pem -CAkey $work/$issuer.key"; fi
  openssl x509 -req -in $work/$name.csr $by -extfile $work/ext -extensions $section -days 36500 -set_serial 0x$(openssl rand -hex 8) "$@" -out $work/$name.pem 2>/dev/null
}
P="-algorithm EC -pkeyopt ec_paramgen_curve"
key root $P:P-384; cert root root ca -sha384
key issuing $P:P-256; cert issuing root issuing -sha384
key device $P:P-256; cert device issuing device -sha256
cat $work/device.pem $work/issuing.pem $work/root.pem > ecdsa.pem
key plain $P:P-256; cert plain issuing plain -sha256
cat $work/plain.pem $work/issuing.pem $work/root.pem > same-key.pem
key rsa -algorithm RSA -pkeyopt rsa_keygen_bits:3072; cert rsa rsa ca -sha256
key rsadevice $P:P-256; cert rsadevice rsa device -sha256
cat $work/rsadevice.pem $work/rsa.pem > rsa.pem
key pss -algorithm RSA -pkeyopt rsa_keygen_bits:3072; cert pss pss ca -sha256 -sigopt rsa_padding_mode:pss
key pssdevice $P:P-256; cert pssdevice pss device -sha256 -sigopt rsa_padding_mode:pss
cat $work/pssdevice.pem $work/pss.pem > rsa-pss.pem
key ed -algorithm ED25519; cert ed ed ca
key eddevice -algorithm ED25519; cert eddevice ed device
cat $work/eddevice.pem $work/ed.pem > ed25519.pem
S="-sm3 -sigopt distid:1234567812345678 -vfyopt distid:1234567812345678"
openssl ecparam -genkey -name SM2 -noout -out $work/sm.key
openssl ecparam -genkey -name SM2 -noout -out $work/smdevice.key
for one in "sm sm ca" "smdevice sm device"; do
  set -- $one
  openssl req -new -key $work/$1.key -subj "/C=CN/O=Heavy Works/CN=$1/serialNumber=EC-0001" -sm3 -sigopt distid:1234567812345678 -out $work/$1.csr
  if [ $1 = $2 ]; then by="-key $work/$1.key"; else by="-CA $work/$2.pem -CAkey $work/$2.key"; fi
  openssl x509 -req -in $work/$1.csr $by -extfile $work/ext -extensions $3 -days 36500 -sm3 \
    -sigopt distid:1234567812345678 -vfyopt distid:1234567812345678 -out $work/$1.pem 2>$work/err || cat $work/err
done
cat $work/smdevice.pem $work/sm.pem > sm2.pem
rm -r $work
