<?php
/**
 * Plugin Name: Licet: a price for each post
 * Description: A price of its own for a post, for AI crawlers that pay by the fetch. Whoever holds a license pays what was agreed.
 * License: Apache-2.0
 * Requires PHP: 7.4
 *
 * One file: put it into wp-content/mu-plugins/. In the site's policy:
 *
 *     [payments]
 *     origin_prices = true
 *
 * Licet then says so in each request that it lets through, and takes the price
 * that the answer names in crawler-price. Nobody else is told a price, and
 * without Licet in front nothing changes. 0 is free; no price leaves the policy's.
 *
 * @package licet
 */

defined( 'ABSPATH' ) || exit;

const LICET_PRICE = '_licet_price';

/**
 * Whether Licet (or another gate that speaks the same) stands in front and takes prices.
 */
function licet_asks() {
	return ! empty( $_SERVER['HTTP_LICET_PAY_PER_CRAWL'] ) || ! empty( $_SERVER['HTTP_CF_PAY_PER_CRAWL'] );
}

/**
 * An amount such as "USD 0.05", or "" where $text is none.
 *
 * @param mixed $text What somebody wrote.
 */
function licet_amount( $text ) {
	$text = is_string( $text ) ? strtoupper( trim( $text ) ) : '';
	return preg_match( '/^[A-Z]{3} (?:0|[1-9][0-9]{0,6})(?:\.[0-9]{1,6})?$/D', $text ) ? $text : '';
}

/**
 * Name the price of a post in the answer that is being made.
 *
 * @param int $post_id The post that the whole answer is about.
 */
function licet_name_price( $post_id ) {
	$amount = licet_amount( get_post_meta( $post_id, LICET_PRICE, true ) );
	if ( '' !== $amount && licet_asks() && ! headers_sent() ) {
		header( 'crawler-price: ' . $amount );
	}
}

add_action(
	'template_redirect',
	function () {
		if ( is_singular() ) {
			licet_name_price( get_queried_object_id() );
		}
	}
);

// The same text by the REST interface: /wp-json/wp/v2/posts/7, not a list of many.
add_filter(
	'rest_post_dispatch',
	function ( $response, $server, $request ) {
		if ( preg_match( '~^/wp/v2/[a-z_-]+/([0-9]+)$~D', $request->get_route(), $found ) ) {
			licet_name_price( (int) $found[1] );
		}
		return $response;
	},
	10,
	3
);

add_action(
	'add_meta_boxes',
	function () {
		add_meta_box(
			'licet-price',
			__( 'Price for AI crawlers', 'licet' ),
			function ( $post ) {
				wp_nonce_field( 'licet-price', 'licet_price_nonce' );
				printf(
					'<label for="licet-price-field">%s</label> <input id="licet-price-field" name="licet_price" type="text" value="%s" placeholder="USD 0.05" maxlength="20" pattern="[A-Za-z]{3} [0-9]+([.][0-9]{1,6})?"><p>%s</p>',
					esc_html__( 'For one fetch', 'licet' ),
					esc_attr( licet_amount( get_post_meta( $post->ID, LICET_PRICE, true ) ) ),
					esc_html__( 'In the currency of the site\'s policy. Empty: the policy\'s own price. 0: free.', 'licet' )
				);
			},
			null,
			'side'
		);
	}
);

add_action(
	'save_post',
	function ( $post_id ) {
		if ( ! isset( $_POST['licet_price'], $_POST['licet_price_nonce'] )
			|| ! wp_verify_nonce( sanitize_key( wp_unslash( $_POST['licet_price_nonce'] ) ), 'licet-price' )
			|| wp_is_post_autosave( $post_id ) || wp_is_post_revision( $post_id )
			|| ! current_user_can( 'edit_post', $post_id ) ) {
			return;
		}
		$written = sanitize_text_field( wp_unslash( $_POST['licet_price'] ) );
		$amount  = licet_amount( $written );
		if ( '' !== $amount ) {
			update_post_meta( $post_id, LICET_PRICE, $amount );
		} elseif ( '' === $written ) {
			delete_post_meta( $post_id, LICET_PRICE );
		}
	}
);
