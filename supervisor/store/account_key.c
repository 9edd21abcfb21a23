#include "supervisor/store/account_key.h"

#include "common/file.h"
#include "common/json.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
	NUMBER_MAX = 2048, /* bytes: a modulus of 16,384 bits */
	RSA_BITS_MIN = 1024,
	COORDINATE_MAX = 66, /* P-521 */
};

/* ---- base64url without padding (RFC 4648 section 5) */

static int digit_of(char character)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const char *at = character == '\0' ? NULL : strchr(digits, character);

	return at == NULL ? -1 : (int)(at - digits);
}

/* How many bytes, or -1. */
static int decode(const char *text, unsigned char *out, int size)
{
	uint32_t bits = 0;
	int held = 0, count = 0;

	for (; *text != '\0' && *text != '='; text++) {
		int digit = digit_of(*text);
		if (digit < 0)
			return -1;
		bits = bits << 6 | (uint32_t)digit;
		held += 6;
		if (held < 8)
			continue;
		held -= 8;
		if (count == size)
			return -1;
		out[count++] = (unsigned char)(bits >> held);
		bits &= (1U << held) - 1;
	}
	return count;
}

/* The member as a positive number; NULL with err.  BN_clear_free() by the caller. */
static BIGNUM *number_of(const cJSON *jwk, const char *name, struct error *err)
{
	const char *text = json_string(jwk, name);
	unsigned char bytes[NUMBER_MAX];
	BIGNUM *number = NULL;
	int length = text == NULL ? 0 : decode(text, bytes, sizeof(bytes));

	if (length > 0)
		number = BN_bin2bn(bytes, length, NULL);
	OPENSSL_cleanse(bytes, sizeof(bytes));
	if (number != NULL && !BN_is_zero(number))
		return number;
	BN_clear_free(number);
	error_set(err, EXIT_FAILED, "its member \"%s\" is %s", name,
		  text == NULL ? "missing" : "not a number in base64url");
	return NULL;
}

/* ---- RSA */

enum { N, E, D, P, Q, DP, DQ, QI, RSA_NUMBERS };

/* left * right mod modulus, or without a modulus, is `wanted`. */
static bool product_is(const BIGNUM *left, const BIGNUM *right, const BIGNUM *modulus,
		       const BIGNUM *wanted, BN_CTX *context)
{
	BIGNUM *product = BN_new();
	bool is = product != NULL &&
		  (modulus == NULL ? BN_mul(product, left, right, context)
				   : BN_mod_mul(product, left, right, modulus, context)) == 1 &&
		  BN_cmp(product, wanted) == 0;

	BN_clear_free(product);
	return is;
}

/* With `factor` p and `exponent` d mod (p - 1): e * exponent = 1 mod (p - 1), and d goes with
 * it. */
static bool fits_factor(BIGNUM *const *numbers, int factor, int exponent, BN_CTX *context)
{
	BIGNUM *less = BN_dup(numbers[factor]), *rest = BN_new();
	bool fits = less != NULL && rest != NULL && BN_sub_word(less, 1) == 1 &&
		    !BN_is_zero(less) && BN_mod(rest, numbers[D], less, context) == 1 &&
		    BN_cmp(rest, numbers[exponent]) == 0 &&
		    product_is(numbers[E], numbers[exponent], less, BN_value_one(), context);

	BN_clear_free(less);
	BN_clear_free(rest);
	return fits;
}

static bool rsa_fits(BIGNUM *const *numbers)
{
	BN_CTX *context = BN_CTX_new();
	bool fits = context != NULL && BN_num_bits(numbers[N]) >= RSA_BITS_MIN &&
		    product_is(numbers[P], numbers[Q], NULL, numbers[N], context) &&
		    fits_factor(numbers, P, DP, context) && fits_factor(numbers, Q, DQ, context) &&
		    product_is(numbers[QI], numbers[Q], numbers[P], BN_value_one(), context);

	BN_CTX_free(context);
	return fits;
}

static int check_rsa(const cJSON *jwk, struct error *err)
{
	static const char *const names[RSA_NUMBERS] = {"n", "e", "d", "p", "q", "dp", "dq", "qi"};
	BIGNUM *numbers[RSA_NUMBERS] = {NULL};
	int rc = 0;

	for (int i = 0; rc == 0 && i < RSA_NUMBERS; i++) {
		numbers[i] = number_of(jwk, names[i], err);
		rc = numbers[i] == NULL ? -1 : 0;
	}
	if (rc == 0 && !rsa_fits(numbers))
		rc = error_set(err, EXIT_FAILED, "its numbers do not make an RSA key");
	for (int i = 0; i < RSA_NUMBERS; i++)
		BN_clear_free(numbers[i]);
	return rc;
}

/* ---- elliptic curves */

static const struct curve {
	const char *name, *group;
	int size; /* of a coordinate in bytes */
} curves[] = {
    {"P-256", "prime256v1", 32},
    {"P-384", "secp384r1", 48},
    {"P-521", "secp521r1", COORDINATE_MAX},
};

static const struct curve *curve_of(const cJSON *jwk)
{
	const char *name = json_string(jwk, "crv");

	for (size_t i = 0; name != NULL && i < sizeof(curves) / sizeof(*curves); i++)
		if (strcmp(curves[i].name, name) == 0)
			return &curves[i];
	return NULL;
}

/* The member as exactly `size` bytes. */
static bool bytes_of(const cJSON *jwk, const char *name, unsigned char *out, int size)
{
	const char *text = json_string(jwk, name);

	return text != NULL && decode(text, out, size) == size;
}

static bool ec_fits(const struct curve *curve, const unsigned char *point, const BIGNUM *secret)
{
	size_t length = 1 + 2 * (size_t)curve->size;
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL), *check = NULL;
	OSSL_PARAM *parameters = NULL;
	EVP_PKEY *key = NULL;
	bool fits = false;

	if (builder == NULL || context == NULL ||
	    OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, curve->group, 0) !=
		1 ||
	    OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, length) !=
		1 ||
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, secret) != 1)
		goto out;
	parameters = OSSL_PARAM_BLD_to_param(builder);
	if (parameters == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, parameters) != 1)
		goto out;
	check = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	fits = check != NULL && EVP_PKEY_check(check) == 1;
out:
	EVP_PKEY_CTX_free(check);
	EVP_PKEY_free(key);
	OSSL_PARAM_free(parameters);
	OSSL_PARAM_BLD_free(builder);
	EVP_PKEY_CTX_free(context);
	return fits;
}

static int check_ec(const cJSON *jwk, struct error *err)
{
	const struct curve *curve = curve_of(jwk);
	unsigned char point[1 + 2 * COORDINATE_MAX] = {POINT_CONVERSION_UNCOMPRESSED};

	if (curve == NULL)
		return error_set(err, EXIT_FAILED,
				 "its member \"crv\" is none of P-256, P-384, P-521");
	BIGNUM *secret = number_of(jwk, "d", err);
	if (secret == NULL)
		return -1;
	bool fits = bytes_of(jwk, "x", point + 1, curve->size) &&
		    bytes_of(jwk, "y", point + 1 + curve->size, curve->size) &&
		    ec_fits(curve, point, secret);
	BN_clear_free(secret);
	return fits ? 0
		    : error_set(err, EXIT_FAILED, "its numbers do not make a key on %s",
				curve->name);
}

/* ---- the file */

static int check(const cJSON *jwk, struct error *err)
{
	const char *type = json_string(jwk, "kty");

	if (type != NULL && strcmp(type, "RSA") == 0)
		return check_rsa(jwk, err);
	if (type != NULL && strcmp(type, "EC") == 0)
		return check_ec(jwk, err);
	return error_set(err, EXIT_FAILED, "its member \"kty\" is neither RSA nor EC");
}

int account_key_check(const char *path, struct error *err)
{
	struct buffer text;
	int rc = -1;

	buffer_init(&text, ACCOUNT_KEY_MAX);
	if (file_read(path, &text, err) == 0 && text.length == 0)
		error_set(err, EXIT_FAILED, "%s is empty", path);
	else if (!text.failed && text.data != NULL) {
		AUTO_JSON cJSON *jwk = json_parse_secret(text.data, text.length, path, err);
		if (jwk != NULL && (rc = check(jwk, err)) != 0)
			error_wrap(err, "%s", path);
	}
	buffer_free(&text);
	return rc;
}
