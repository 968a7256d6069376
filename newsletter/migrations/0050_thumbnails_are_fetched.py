"""Papers' pictures are fetched: in two sizes, and what became of each."""


import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('newsletter', '0040_delivery_controls'),
    ]

    operations = [
        migrations.CreateModel(
            name='PictureFetch',
            fields=[
                ('paper', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='picture_fetch', serialize=False, to='newsletter.paper')),
                ('url', models.CharField(max_length=500, verbose_name='address')),
                ('state', models.CharField(choices=[('due', 'due'), ('kept', 'kept'), ('failed', 'failed'), ('refused', 'refused')], default='due', max_length=7, verbose_name='state')),
                ('tries', models.PositiveSmallIntegerField(default=0, verbose_name='tries')),
                ('next_at', models.DateTimeField(verbose_name='not before')),
                ('claimed_until', models.DateTimeField(blank=True, null=True)),
                ('tried_at', models.DateTimeField(blank=True, null=True, verbose_name='last tried')),
                ('problem', models.CharField(blank=True, max_length=300, verbose_name='problem')),
            ],
            options={
                'verbose_name': 'picture',
                'verbose_name_plural': 'pictures',
            },
        ),
        migrations.AddField(
            model_name='thumbnail',
            name='large_data',
            field=models.BinaryField(blank=True, default=bytes),
        ),
        migrations.AddField(
            model_name='thumbnail',
            name='large_digest',
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name='thumbnail',
            name='large_height',
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='thumbnail',
            name='large_width',
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddConstraint(
            model_name='thumbnail',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('large_data', b''), ('large_digest', ''), ('large_height', 0), ('large_width', 0)), models.Q(models.Q(('large_digest', ''), _negated=True), ('large_width__gte', 1), ('large_width__lte', 1600), ('large_height__gte', 1), ('large_height__lte', 1600)), _connector='OR'), name='thumbnail_large_whole_or_none'),
        ),
        migrations.AddIndex(
            model_name='picturefetch',
            index=models.Index(condition=models.Q(('state', 'due')), fields=['next_at'], name='picture_due'),
        ),
        migrations.AddIndex(
            model_name='picturefetch',
            index=models.Index(fields=['tried_at'], name='picture_tried'),
        ),
        migrations.AddConstraint(
            model_name='picturefetch',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['due', 'kept', 'failed', 'refused'])), name='picture_state_known'),
        ),
        migrations.AddConstraint(
            model_name='picturefetch',
            constraint=models.CheckConstraint(condition=models.Q(('claimed_until__isnull', True), ('state', 'due'), _connector='OR'), name='picture_claimed_while_due'),
        ),
    ]
